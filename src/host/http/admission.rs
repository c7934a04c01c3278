//! Who may keep a connection: newcomers wait in a bounded room of their own, where the newest has
//! precedence, and leave it with their first request that is let in.
//!
//! Promises: connections that never send a valid request take no place from those that do, however
//! many they are; a newcomer that sends one at once is answered at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, oneshot};

/// The newcomers, by the order in which they came, and how each is told to go.
#[derive(Debug, Default)]
struct Newcomers {
    next: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Leave>>,
}

/// Word to a newcomer that its place is another's now.
#[derive(Debug)]
struct Leave;

/// The rooms of one listener.
#[derive(Debug)]
pub(super) struct Admission {
    most_newcomers: usize,
    newcomers: Mutex<Newcomers>,
    clients: Arc<Semaphore>,
}

impl Admission {
    /// Room for so many newcomers, and so many clients that were let in.
    pub(super) fn new(most_newcomers: usize, most_clients: usize) -> Self {
        Self {
            most_newcomers,
            newcomers: Mutex::default(),
            clients: Arc::new(Semaphore::new(most_clients)),
        }
    }

    /// Lets a newcomer in. Where there are too many, the one that has waited longest goes.
    pub(super) fn enter(self: &Arc<Self>) -> (Arc<Place>, Notice) {
        let (leave, notice) = oneshot::channel();
        let mut newcomers = self.newcomers();
        if newcomers.waiting.len() >= self.most_newcomers {
            evict(&mut newcomers);
        }
        let number = newcomers.next;
        newcomers.next += 1;
        newcomers.waiting.insert(number, leave);
        drop(newcomers);
        let place = Place {
            admission: self.clone(),
            number,
            seat: OnceCell::new(),
        };
        (Arc::new(place), Notice(notice))
    }

    /// Tells the newcomer that has waited longest to go. Returns whether there was one.
    pub(super) fn evict_oldest(&self) -> bool {
        evict(&mut self.newcomers())
    }

    fn newcomers(&self) -> MutexGuard<'_, Newcomers> {
        // The map is whole at every moment.
        self.newcomers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn evict(newcomers: &mut Newcomers) -> bool {
    newcomers.waiting.pop_first().is_some_and(|(_, leave)| {
        // One that has ended by itself needs no word.
        let _ = leave.send(Leave);
        true
    })
}

/// One connection's place, until it ends.
#[derive(Debug)]
pub(super) struct Place {
    admission: Arc<Admission>,
    number: u64,
    seat: OnceCell<OwnedSemaphorePermit>,
}

impl Place {
    /// Lets the connection stay: it sent a request that is let in. Waits among the newcomers while
    /// there is no room.
    pub(super) async fn admit(&self) {
        let clients = &self.admission.clients;
        // The semaphore is never closed.
        if let Ok(_seat) = self
            .seat
            .get_or_try_init(|| clients.clone().acquire_owned())
            .await
        {
            self.admission.newcomers().waiting.remove(&self.number);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.newcomers().waiting.remove(&self.number);
    }
}

/// What a connection tells of the requests that come by it.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// Who is at its other end.
    pub(super) address: IpAddr,
    /// Its place.
    pub(super) place: Arc<Place>,
}

/// Where a newcomer is told to go.
#[derive(Debug)]
pub(super) struct Notice(oneshot::Receiver<Leave>);

impl Notice {
    /// Comes when the connection must go; never, once it was let in.
    pub(super) async fn leave(self) {
        if self.0.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_newcomer_that_has_waited_longest_goes_and_clients_stay() {
        let admission = Arc::new(Admission::new(2, 1));
        let (client, stays) = admission.enter();
        client.admit().await;
        let (_first, goes) = admission.enter();
        let (_second, waits) = admission.enter();
        let (third, _) = admission.enter();
        goes.leave().now_or_never().expect("it must go");
        assert_eq!(waits.leave().now_or_never(), None);
        assert_eq!(stays.leave().now_or_never(), None);
        assert!(
            third.admit().now_or_never().is_none(),
            "there is no room yet"
        );
        drop(client);
        third.admit().now_or_never().expect("there is room");
    }

    #[test]
    fn those_that_have_gone_by_themselves_are_in_nobodys_way() {
        let admission = Arc::new(Admission::new(2, 1));
        let (_first, waits) = admission.enter();
        for _ in 0..9 {
            drop(admission.enter());
        }
        assert_eq!(waits.leave().now_or_never(), None);
        assert!(admission.evict_oldest());
        assert!(!admission.evict_oldest());
    }
}
