//! Watched sockets between two network namespaces: what one sees of its own, and that it sees
//! nothing of another's.
//!
//! The test starts itself again inside namespaces of its own, which end with it. Where it may not
//! make any, it says so on standard error and tries nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use leasekeeper::activity::{ActivityBoard, Assignment, Assignments, Watched, look_once, watch};
use leasekeeper::clock::{Clock, SystemClock};
use leasekeeper::keeper::{ActivityAnswer, Evidence, Moved, Transport};
use leasekeeper::policy::ActivitySource;
use leasekeeper::units::{ByteCount, SessionId, Span};

/// A network with a server in another namespace, and what is then run in it.
const NETWORK: &str = r#"set -e
mount -t tmpfs none /run
ip netns add server
ip link add near type veth peer name far netns server
ip addr add 10.77.0.1/24 dev near
ip link set near up
ip -n server addr add 10.77.0.2/24 dev far
ip -n server link set far up
exec "$0" --exact sockets::inside --ignored --nocapture"#;
const NEAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const LEAST: ByteCount = ByteCount::new(100_000);

/// This test binary again, whose lines can be read and which can be told to go on.
struct Again {
    child: Child,
    lines: BufReader<ChildStdout>,
    stdin: ChildStdin,
}

impl Again {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        let stdin = child.stdin.take().expect("piped");
        Self {
            child,
            lines,
            stdin,
        }
    }

    /// The number in the line that begins with a word.
    fn number_after(&mut self, word: &str) -> u16 {
        let mut lines = (&mut self.lines).lines().map(|line| line.expect("a line"));
        // libtest's own words may stand before it.
        let found = lines.find_map(|line| {
            let (_, number) = line.split_once(word)?;
            number.trim().parse().ok()
        });
        found.expect("it says so before it ends")
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount"]);
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command
}

/// Whether this process may do without a user namespace.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout.trim_ascii() == b"0"
}

fn watched(port: u16) -> Watched {
    Watched {
        id: SessionId::new("st-a-0-x").expect("an id"),
        pool: "a".parse().expect("a pool"),
        hostname: Some(SERVER.to_string()),
        ports: vec![port],
    }
}

fn assigned(port: u16) -> Assignments {
    let assignment = Assignment {
        sessions: vec![watched(port)],
        every: Span::millis(20),
    };
    let sources = [ActivitySource::Sockets, ActivitySource::BusySockets(LEAST)];
    sources.map(|source| (source, assignment.clone())).into()
}

#[tokio::test]
async fn connections_of_this_network_namespace_are_seen_with_what_they_move_and_no_others() {
    let tried = unshare()
        .args(["sh", "-c", "mount -t tmpfs none /run && ip link"])
        .output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        let skipped = "SKIPPED: no network namespaces can be made here, watched sockets were not";
        let _ = writeln!(std::io::stderr(), "{skipped} tried in them: {tried:?}");
        return;
    }
    let mut command = unshare();
    let this = std::env::current_exe().expect("known");
    command.args(["sh", "-c", NETWORK]).arg(this);
    let mut inside = Again::start(command);
    let port = inside.number_after("connected to ");
    let board = ActivityBoard::default();
    board.assign(assigned(port));
    look_once(&board, &SystemClock::new()).await;
    let answers: Vec<_> = board.readings().into_iter().map(|r| r.answer).collect();
    let nothing = || ActivityAnswer::Unused { saw: None };
    assert_eq!(answers, [nothing(), nothing()]);
    writeln!(inside.stdin, "go on").expect("it waits");
    let mut rest = String::new();
    inside.lines.read_to_string(&mut rest).expect("it ends");
    let ended = inside.child.wait().expect("it ends");
    assert!(ended.success() && rest.contains("1 passed"), "{rest}");
}

/// Waits until a source says what is wanted, and returns what it saw.
async fn until(
    board: &ActivityBoard,
    source: &ActivitySource,
    wanted: impl Fn(&ActivityAnswer) -> bool,
) -> Option<Evidence> {
    loop {
        let readings = board.readings();
        let answer = readings.into_iter().find(|r| r.source == *source);
        match answer.map(|reading| reading.answer) {
            Some(answer) if wanted(&answer) => {
                return match answer {
                    ActivityAnswer::Used { saw, .. } | ActivityAnswer::Unused { saw } => saw,
                    ActivityAnswer::NotYet | ActivityAnswer::Unknown { .. } => None,
                };
            }
            Some(ActivityAnswer::Unknown { why }) => panic!("{source}: {why}"),
            _ => tokio::task::yield_now().await,
        }
    }
}

fn is_used(answer: &ActivityAnswer) -> bool {
    matches!(answer, ActivityAnswer::Used { .. })
}

fn is_unused(answer: &ActivityAnswer) -> bool {
    matches!(answer, ActivityAnswer::Unused { .. })
}

fn sees(transport: Transport) -> impl Fn(&ActivityAnswer) -> bool {
    move |answer| match answer {
        ActivityAnswer::Used { saw, .. } | ActivityAnswer::Unused { saw } => {
            matches!(saw, Some(Evidence::Connected { transport: t, .. }) if *t == transport)
        }
        ActivityAnswer::NotYet | ActivityAnswer::Unknown { .. } => false,
    }
}

fn moved(saw: Option<&Evidence>) -> u64 {
    let Some(Evidence::Connected { moved, .. }) = saw else {
        panic!("{saw:?}")
    };
    moved.map_or(0, |Moved { bytes, .. }| bytes.get())
}

#[tokio::test]
#[ignore = "it is started inside a network namespace, by the test above"]
async fn inside() {
    let mut command = Command::new("ip");
    let this = std::env::current_exe().expect("known");
    command.args(["netns", "exec", "server"]).arg(this);
    command.args(["--exact", "sockets::server", "--ignored", "--nocapture"]);
    let mut server = Again::start(command);
    let port = server.number_after("listening on ");
    let board = Arc::new(ActivityBoard::default());
    board.assign(assigned(port));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let watching = tokio::spawn(watch(board.clone(), clock));
    let (any, busy) = (ActivitySource::Sockets, ActivitySource::BusySockets(LEAST));
    for source in [&any, &busy] {
        assert_eq!(until(&board, source, |_| true).await, None);
    }

    let mut client = TcpStream::connect((SERVER, port)).expect("it listens");
    let saw = until(&board, &any, is_used).await;
    let Some(Evidence::Connected {
        from, others: 0, ..
    }) = saw
    else {
        panic!("{saw:?}")
    };
    assert_eq!(from, client.local_addr().expect("connected"));
    assert_eq!(from.ip(), NEAR);
    let saw = until(&board, &busy, sees(Transport::Tcp)).await;
    assert!(moved(saw.as_ref()) < LEAST.get(), "{saw:?}");
    println!("connected to {port}");
    std::io::stdin()
        .read_line(&mut String::new())
        .expect("told");
    let _ = until(&board, &busy, is_unused).await;

    let mut echoed = vec![0; 200_000];
    client.write_all(&vec![7; echoed.len()]).expect("sent");
    client.read_exact(&mut echoed).expect("echoed");
    let saw = until(&board, &busy, is_used).await;
    assert!(moved(saw.as_ref()) >= LEAST.get(), "{saw:?}");

    client.shutdown(Shutdown::Both).expect("it is open");
    for source in [&any, &busy] {
        assert_eq!(until(&board, source, is_unused).await, None);
    }
    let datagrams = UdpSocket::bind((NEAR, 0)).expect("an end");
    datagrams.connect((SERVER, port)).expect("an end");
    datagrams.send(b"7").expect("sent");
    for source in [&any, &busy] {
        let saw = until(&board, source, sees(Transport::Udp)).await;
        assert!(matches!(saw, Some(Evidence::Connected { from, .. }) if from.ip() == NEAR));
    }
    drop(datagrams);
    let _ = until(&board, &any, is_unused).await;
    watching.abort();
}

#[test]
#[ignore = "it is started inside a network namespace, by the test above"]
fn server() {
    let listener = TcpListener::bind((SERVER, 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    println!("listening on {port}");
    let (mut connection, _) = listener.accept().expect("a client");
    let mut copy = connection.try_clone().expect("a handle");
    std::io::copy(&mut connection, &mut copy).expect("echoed");
    // Whoever started this ends it.
    std::io::stdin()
        .read_line(&mut String::new())
        .expect("told");
}
