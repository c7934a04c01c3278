//! How long servers of each pool took to boot lately.
//!
//! It is what a client that waits can be told, and how long before a window opens what it wants is
//! started. No lease and no budget goes by it.

use std::collections::{BTreeMap, VecDeque};

use crate::units::{PoolName, Span};

/// So many boots of a pool are remembered, the latest.
const REMEMBERED: usize = 20;

/// How long servers of each pool took to boot lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boots(BTreeMap<PoolName, VecDeque<Span>>);

impl Boots {
    /// Notes one boot, the latest.
    pub fn note(&mut self, pool: &PoolName, took: Span) {
        let boots = self.0.entry(pool.clone()).or_default();
        boots.push_back(took);
        while boots.len() > REMEMBERED {
            boots.pop_front();
        }
    }

    /// How long a boot takes as a rule: four in five took no longer. `None` where none is known.
    pub fn usual(&self, pool: &PoolName) -> Option<Span> {
        let mut boots: Vec<Span> = self.0.get(pool)?.iter().copied().collect();
        boots.sort_unstable();
        let fifth = boots.len() / 5;
        boots.into_iter().nth_back(fifth)
    }

    /// A pool is called otherwise.
    pub(super) fn rename(&mut self, from: &PoolName, to: &PoolName) {
        if let Some(boots) = self.0.remove(from) {
            self.0.insert(to.clone(), boots);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PoolName {
        text.parse().expect("a name")
    }

    #[test]
    fn four_in_five_of_the_latest_boots_took_no_longer_than_is_usual() {
        let mut boots = Boots::default();
        assert_eq!(boots.usual(&name("a")), None);
        let usual_of = |boots: &mut Boots, seconds: &[i64]| {
            seconds
                .iter()
                .for_each(|s| boots.note(&name("a"), Span::seconds(*s)));
            boots.usual(&name("a")).map(Span::as_secs)
        };
        assert_eq!(usual_of(&mut boots, &[40]), Some(40));
        assert_eq!(usual_of(&mut boots, &[10, 300, 20]), Some(300));
        assert_eq!(usual_of(&mut boots, &[30]), Some(40), "one in five is odd");
        // Twenty newer ones, and the older count no more.
        assert_eq!(usual_of(&mut boots, &[5; 19]), Some(5));
        assert_eq!(boots.0[&name("a")].iter().max(), Some(&Span::seconds(30)));
        assert_eq!(usual_of(&mut boots, &[5]), Some(5));
        assert_eq!(boots.0[&name("a")].iter().max(), Some(&Span::seconds(5)));
        assert_eq!(boots.usual(&name("b")), None);
        boots.rename(&name("a"), &name("b"));
        assert_eq!(boots.usual(&name("b")).map(Span::as_secs), Some(5));
        assert_eq!(boots.usual(&name("a")), None);
    }
}
