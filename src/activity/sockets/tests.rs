//! Real connections on this machine, and what the kernel says of them.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};

use super::super::testing::{look, watched};
use super::flow::Counter;
use super::*;
use crate::policy::ActivitySource;
use crate::units::Span;

async fn is_used(port: u16) -> bool {
    let seen = look(&ActivitySource::Sockets, &watched(port)).await;
    matches!(seen.expect("an answer"), Seen::Used(_))
}

/// A connection on loopback: its client, its server, and the server's port.
fn connected() -> (TcpStream, TcpStream, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let client = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    let (server, _) = listener.accept().expect("accepted");
    (client, server, port)
}

/// Ends a connection, also where a child that another test has just forked has it open too.
fn end(client: &TcpStream) {
    client.shutdown(Shutdown::Both).expect("it is open");
}

/// Moves so many bytes from a client to a server, and back.
fn move_bytes(client: &mut TcpStream, server: &mut TcpStream, bytes: usize) {
    let data = vec![7; bytes];
    let mut got = vec![0; bytes];
    let mut send = |from: &mut TcpStream, to: &mut TcpStream| {
        std::thread::scope(|scope| {
            scope.spawn(|| from.write_all(&data).expect("written"));
            to.read_exact(&mut got).expect("read");
        });
    };
    send(client, server);
    send(server, client);
}

#[tokio::test]
async fn a_connection_from_this_machine_to_the_server_is_use_and_its_end_is_not() {
    let (client, server, port) = connected();
    let seen = look(&ActivitySource::Sockets, &watched(port)).await;
    let connected = Evidence::Connected {
        transport: Transport::Tcp,
        from: client.local_addr().expect("connected"),
        others: 0,
        moved: None,
    };
    assert_eq!(seen.expect("an answer"), Seen::Used(Some(connected)));
    end(&client);
    drop(server);
    assert!(!is_used(port).await);
}

#[tokio::test]
async fn a_flow_of_datagrams_to_the_server_is_use_however_little_it_moves() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("bound").port();
    assert!(!is_used(port).await);
    let client = UdpSocket::bind("127.0.0.1:0").expect("a port");
    client.connect(("127.0.0.1", port)).expect("connected");
    assert!(is_used(port).await);
    let busy = ActivitySource::BusySockets(ByteCount::new(1_000));
    let seen = look(&busy, &watched(port)).await.expect("an answer");
    let from = client.local_addr().expect("connected");
    let expected = Evidence::Connected {
        transport: Transport::Udp,
        from,
        others: 0,
        moved: None,
    };
    assert_eq!(seen, Seen::Used(Some(expected)));
}

#[tokio::test]
async fn a_server_whose_name_cannot_be_resolved_says_nothing() {
    let (_client, _server, port) = connected();
    let mut session = watched(port);
    session.hostname = Some("no such name".into());
    let seen = look(&ActivitySource::Sockets, &session).await;
    assert!(seen.is_err(), "{seen:?}");
}

/// A source for which only busy connections count, and the line of time on which it is asked.
struct Watching {
    source: SocketSource,
    session: Watched,
    start: Timestamp,
}

impl Watching {
    fn new(port: u16) -> Self {
        Self {
            source: SocketSource::busy(ByteCount::new(10_000)),
            session: watched(port),
            start: Timestamp::from_millis(1_000_000),
        }
    }

    async fn at(&self, seconds: i64) -> Seen {
        let now = self.start + Span::seconds(seconds);
        let sessions = std::slice::from_ref(&self.session);
        let prepared = self.source.prepare(sessions, now).await;
        prepared.expect("the kernel answers");
        self.source.look(&self.session).await.expect("an answer")
    }

    /// How much it saw move in how long.
    async fn moved_at(&self, seconds: i64) -> (bool, u64, u32) {
        let (is_used, saw) = match self.at(seconds).await {
            Seen::Used(saw) => (true, saw),
            Seen::Unused(saw) => (false, saw),
            other => panic!("{other:?}"),
        };
        let Some(Evidence::Connected { moved, .. }) = saw else {
            panic!("{saw:?}")
        };
        let moved = moved.expect("counted");
        (is_used, moved.bytes.get(), moved.seconds)
    }
}

#[tokio::test]
async fn a_connection_that_moves_less_than_asked_for_is_not_use_once_that_can_be_said() {
    let (mut client, mut server, port) = connected();
    let watching = Watching::new(port);
    move_bytes(&mut client, &mut server, 50_000);
    assert_eq!(watching.at(0).await, Seen::NotYet, "when did it move?");
    move_bytes(&mut client, &mut server, 100);
    assert_eq!(watching.at(59).await, Seen::NotYet);
    let (is_used, bytes, seconds) = watching.moved_at(60).await;
    assert!(!is_used && (200..1_000).contains(&bytes), "{bytes}");
    assert_eq!(seconds, 60);
    move_bytes(&mut client, &mut server, 5_000);
    let (is_used, bytes, _) = watching.moved_at(119).await;
    assert!(is_used && (10_000..11_000).contains(&bytes), "{bytes}");
    let (is_used, bytes, seconds) = watching.moved_at(180).await;
    assert_eq!((is_used, bytes, seconds), (false, 0, 61));
    end(&client);
    drop(server);
    assert_eq!(watching.at(181).await, Seen::Unused(None));
}

#[tokio::test]
async fn bytes_that_nobody_counts_are_no_silence() {
    let end = "127.0.0.1:1".parse().expect("an end");
    let uncounted = Flow::new(Transport::Tcp, end, end);
    let counted = Flow {
        counter: Some(Counter {
            cookie: 1,
            bytes: 1,
        }),
        ..uncounted
    };
    let round = Round {
        uncounted: Some("Operation not permitted".into()),
        ..Round::default()
    };
    let judge =
        |source: SocketSource, flows: &[Flow]| source.judge(&round, flows, &mut Traffic::default());
    let busy = || SocketSource::busy(ByteCount::new(1));
    let error = judge(busy(), &[counted, uncounted]).expect_err("it cannot say");
    assert!(error.to_string().contains("not permitted"), "{error}");
    assert_eq!(judge(busy(), &[]).expect("an answer"), Seen::Unused(None));
    let any = judge(SocketSource::default(), &[uncounted]);
    assert!(matches!(any.expect("an answer"), Seen::Used(Some(_))));
}

#[test]
fn both_ways_to_list_connections_list_the_same_ones() {
    let (client, _server, port) = connected();
    let v6 = TcpListener::bind("[::1]:0").ok();
    let v6 = v6.map(|listener| {
        let end = listener.local_addr().expect("bound");
        (TcpStream::connect(end).expect("connected"), listener)
    });
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    udp.connect(("127.0.0.1", port)).expect("connected");
    let mut ours = vec![
        client.local_addr().expect("an end"),
        udp.local_addr().expect("an end"),
    ];
    ours.extend(v6.iter().map(|(c, _)| c.local_addr().expect("an end")));
    let of = |flows: Vec<Flow>| {
        let ends = flows.into_iter().map(|f| (f.transport, f.near, f.far));
        let mut ends: Vec<_> = ends.filter(|(_, near, _)| ours.contains(near)).collect();
        ends.sort();
        ends
    };
    let asked = of(netlink::flows().expect("the kernel answers"));
    assert_eq!(asked.len(), ours.len());
    assert_eq!(asked, of(proc::flows().expect("it can be read")));
}
