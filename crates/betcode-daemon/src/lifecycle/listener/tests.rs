//! A socket in a temporary directory, and clients that connect to it.

use std::os::unix::net::UnixStream as Client;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::tasks::Tasks;

struct Served {
    root: tempfile::TempDir,
    clients: Clients,
    closing: CancellationToken,
    incoming: mpsc::UnboundedReceiver<(UnixStream, Guest)>,
    rebound: mpsc::UnboundedReceiver<()>,
    end: oneshot::Receiver<Result<Bound, Refused>>,
}

impl Served {
    fn begin() -> Self {
        let root = tempfile::tempdir().unwrap();
        let bound = Bound::bind(&root.path().join("s")).unwrap();
        let (clients, closing) = (Clients::default(), CancellationToken::new());
        let (connections, incoming) = mpsc::unbounded_channel();
        let (tell, rebound) = mpsc::unbounded_channel();
        let (result, end) = oneshot::channel();
        let (counted, closed) = (clients.clone(), closing.clone());
        Tasks::new().spawn("accepting", async move {
            let serve = |stream, guest| connections.send((stream, guest)).unwrap();
            let accepting = bound.accept(&counted, &closed, serve, || tell.send(()).unwrap());
            result.send(accepting.await).unwrap();
        });
        Self {
            root,
            clients,
            closing,
            incoming,
            rebound,
            end,
        }
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("s")
    }

    async fn next(&mut self) -> (UnixStream, Guest) {
        self.incoming.recv().await.unwrap()
    }
}

#[tokio::test]
async fn a_client_counts_as_long_as_its_connection_lives() {
    let mut served = Served::begin();
    let mut client = UnixStream::connect(served.path()).await.unwrap();
    let (mut connection, guest) = served.next().await;
    assert_eq!(served.clients.connected(), 1);
    connection.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    client.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello");
    drop(client);
    assert_eq!(connection.read(&mut heard).await.unwrap(), 0);
    drop(guest);
    assert_eq!(served.clients.connected(), 0);
    served.closing.cancel();
    served.end.await.unwrap().unwrap().remove();
    assert!(!served.root.path().join("s").exists());
}

#[tokio::test]
async fn a_socket_that_nobody_listens_on_is_replaced_and_private() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("s");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let bound = Bound::bind(&path).unwrap();
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    assert!(bound.is_in_place());
}

#[tokio::test]
async fn a_socket_in_use_and_a_file_that_is_no_socket_are_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("s");
    let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let refused = Bound::bind(&path).unwrap_err().to_string();
    assert!(refused.contains("another program listens"), "{refused}");
    let path = root.path().join("file");
    std::fs::write(&path, "precious").unwrap();
    let refused = Bound::bind(&path).unwrap_err().to_string();
    assert!(
        refused.contains("no socket") && refused.contains("file"),
        "{refused}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[tokio::test]
async fn a_socket_that_was_replaced_is_not_removed_with_its_daemon() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("s");
    let bound = Bound::bind(&path).unwrap();
    std::fs::rename(&path, root.path().join("moved")).unwrap();
    std::fs::write(&path, "somebody else's").unwrap();
    bound.remove();
    assert!(path.exists());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_socket_that_is_removed_or_moved_away_is_bound_anew_and_old_clients_stay() {
    let mut served = Served::begin();
    let _old_client = Client::connect(served.path()).unwrap();
    let _old = served.next().await;
    std::fs::remove_file(served.path()).unwrap();
    served.rebound.recv().await.unwrap();
    let _new_client = Client::connect(served.path()).unwrap();
    let _new = served.next().await;
    assert_eq!(served.clients.connected(), 2);
    std::fs::rename(served.path(), served.root.path().join("moved")).unwrap();
    served.rebound.recv().await.unwrap();
    assert_eq!(served.path().metadata().unwrap().mode() & 0o777, 0o600);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_daemon_whose_directory_is_gone_ends_and_says_why() {
    let served = Served::begin();
    std::fs::remove_dir_all(served.root.path()).unwrap();
    let refused = served.end.await.unwrap().unwrap_err().to_string();
    assert!(refused.contains("No such file"), "{refused}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_user_is_let_in_by_no_file_mode() {
    use rustix::process::{Uid, getuid};
    use std::io::Read as _;

    if !getuid().is_root() {
        eprintln!("not root: that another user is refused was not tested");
        return;
    }
    let mut served = Served::begin();
    let path = served.path();
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(served.root.path(), 0o755);
    open(&path, 0o666);
    // A thread can have a user of its own; this one has another until it ends.
    let stranger = std::thread::spawn(move || {
        let nobody = Uid::from_raw(65_534);
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        let mut client = Client::connect(path).unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).map(|length| (length, heard))
    });
    let heard = tokio::task::spawn_blocking(move || stranger.join().unwrap())
        .await
        .unwrap();
    assert_eq!(heard.unwrap(), (0, Vec::new()));
    assert_eq!(
        *served.clients.subscribe().borrow(),
        super::super::clients::Count::default()
    );
    let _own = Client::connect(served.path()).unwrap();
    served.next().await;
    assert_eq!(served.clients.subscribe().borrow().ever, 1);
}
