//! A desktop that the test plays: the panel's watcher, a panel that reads icons and clicks on menus, and a service that shows
//! notifications.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "what a test needs fails by panicking, and services take what their callers give"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use betcode_testkit::wait_until;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{DynamicType, OwnedValue, Structure, Value};
use zbus::{Connection, connection, interface};

pub(crate) const SOON: Duration = Duration::from_secs(30);

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const WATCHER_PATH: &str = "/StatusNotifierWatcher";
const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const NOTIFICATIONS_PATH: &str = "/org/freedesktop/Notifications";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// A notification as it came.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) id: u32,
    pub(crate) replaces: u32,
    pub(crate) title: String,
    pub(crate) body: String,
    /// Words and labels by turns.
    pub(crate) actions: Vec<String>,
}

#[derive(Debug, Default)]
struct State {
    items: Vec<String>,
    shown: Vec<Shown>,
    closed: Vec<u32>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Watcher(Shared);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String) {
        self.0.lock().items.push(service);
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }
}

struct Service {
    shared: Shared,
    words: Vec<String>,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    fn get_capabilities(&self) -> Vec<String> {
        self.words.clone()
    }

    #[expect(clippy::too_many_arguments, reason = "it is what the service takes")]
    fn notify(
        &self,
        _name: &str,
        replaces: u32,
        _icon: &str,
        title: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let mut state = self.shared.lock();
        let next = u32::try_from(state.shown.len()).unwrap() + 100;
        let id = if replaces == 0 { next } else { replaces };
        state.shown.push(Shown {
            id,
            replaces,
            title,
            body,
            actions,
        });
        id
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) {
        self.shared.lock().closed.push(id);
        Self::notification_closed(&emitter, id, 3).await.unwrap();
    }

    #[zbus(signal)]
    async fn notification_closed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        reason: u32,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str)
    -> zbus::Result<()>;
}

/// A part of a menu as it travels: its number, its properties and what is below it.
type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// One line of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) id: i32,
    pub(crate) depth: usize,
    pub(crate) label: String,
    pub(crate) enabled: bool,
}

/// Connections of a test live on a thread of their own, so that they answer while the test waits.
struct Loop {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Loop {
    fn start() -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.unwrap();
            tell.send(runtime.handle().clone()).unwrap();
            // Whoever goes away wants it to stop as well.
            let _stopped = runtime.block_on(stopped);
        });
        Self {
            handle: told.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// The desktop.
pub(crate) struct Desktop {
    shared: Shared,
    address: String,
    panel: Option<Connection>,
    service: Option<Connection>,
    // The last to go: what is above lives on it.
    running: Loop,
}

impl Desktop {
    /// With nothing on it yet.
    pub(crate) fn new(address: &str) -> Self {
        Self {
            shared: Shared(Arc::default()),
            address: address.to_owned(),
            panel: None,
            service: None,
            running: Loop::start(),
        }
    }

    /// With a panel, and a service that can show buttons.
    pub(crate) fn usual(address: &str) -> Self {
        let mut desktop = Self::new(address);
        desktop.start_panel();
        desktop.start_service(&["body", "body-markup", "actions"]);
        desktop
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.running.handle.block_on(async {
            let done = tokio::time::timeout(SOON, work).await;
            done.expect("the bus answers in time")
        })
    }

    pub(crate) fn start_panel(&mut self) {
        let watcher = Watcher(self.shared.clone());
        let builder = connection::Builder::address(self.address.as_str()).unwrap();
        let builder = builder.serve_at(WATCHER_PATH, watcher).unwrap();
        let panel = builder.name(WATCHER).unwrap().build();
        self.panel = Some(self.block_on(panel).unwrap());
    }

    pub(crate) fn stop_panel(&mut self) {
        let panel = self.panel.take().unwrap();
        self.forget_icons();
        self.block_on(panel.close()).unwrap();
    }

    pub(crate) fn start_service(&mut self, words: &[&str]) {
        let service = Service {
            shared: self.shared.clone(),
            words: words.iter().map(|it| (*it).to_owned()).collect(),
        };
        let builder = connection::Builder::address(self.address.as_str()).unwrap();
        let builder = builder.serve_at(NOTIFICATIONS_PATH, service).unwrap();
        let service = builder.name(NOTIFICATIONS).unwrap().build();
        self.service = Some(self.block_on(service).unwrap());
    }

    pub(crate) fn stop_service(&mut self) {
        let service = self.service.take().unwrap();
        self.block_on(service.close()).unwrap();
    }

    /// Those that have registered so far are gone.
    pub(crate) fn forget_icons(&self) {
        self.shared.lock().items.clear();
    }

    /// The icon that has registered, once one has.
    pub(crate) fn item(&self) -> String {
        wait_until(SOON, "an icon registers", || {
            self.shared.lock().items.last().cloned()
        })
    }

    fn call<B: serde::Serialize + DynamicType, R>(&self, place: (&str, &str, &str), body: &B) -> R
    where
        R: serde::de::DeserializeOwned + zbus::zvariant::Type,
    {
        let (path, interface, method) = place;
        let item = self.item();
        let panel = self.panel.as_ref().expect("a panel");
        let call = panel.call_method(Some(item.as_str()), path, Some(interface), method, body);
        let reply = self.block_on(call).unwrap();
        reply.body().deserialize().unwrap()
    }

    fn property(&self, name: &str) -> OwnedValue {
        let place = (
            "/StatusNotifierItem",
            "org.freedesktop.DBus.Properties",
            "Get",
        );
        self.call(place, &(ITEM, name))
    }

    /// The tooltip.
    pub(crate) fn tooltip(&self) -> String {
        let tooltip = Structure::try_from(self.property("ToolTip")).unwrap();
        let title = tooltip.fields().get(2).unwrap();
        title.downcast_ref::<String>().unwrap()
    }

    /// The pictures: their size, and alpha, red, green and blue of every pixel.
    pub(crate) fn icons(&self) -> Vec<(i32, Vec<u8>)> {
        let icons: Vec<(i32, i32, Vec<u8>)> = self.property("IconPixmap").try_into().unwrap();
        let icons = icons.into_iter();
        icons
            .map(|(width, height, bytes)| {
                assert_eq!(width, height);
                (width, bytes)
            })
            .collect()
    }

    /// A left click.
    pub(crate) fn activate(&self) {
        let () = self.call(("/StatusNotifierItem", ITEM, "Activate"), &(0_i32, 0_i32));
    }

    /// The menu, as it can be seen.
    pub(crate) fn menu(&self) -> Vec<Line> {
        let names: Vec<String> = Vec::new();
        let (_, root): (u32, Node) =
            self.call(("/MenuBar", MENU, "GetLayout"), &(0_i32, -1_i32, names));
        let mut lines = Vec::new();
        for child in root.2 {
            read_line(Structure::try_from(child).unwrap(), 0, &mut lines);
        }
        lines
    }

    /// The line with this label, once there is one.
    pub(crate) fn line(&self, label: &str) -> Line {
        wait_until(SOON, &format!("the menu has {label}"), || {
            self.menu().into_iter().find(|it| it.label == label)
        })
    }

    /// The line with this label in the menu of another line.
    pub(crate) fn below(&self, head: &str, label: &str) -> Line {
        wait_until(SOON, &format!("the menu has {label} below {head}"), || {
            let menu = self.menu();
            let mut rest = menu.into_iter().skip_while(|it| it.label != head);
            let head = rest.next()?;
            rest.take_while(|it| it.depth > head.depth)
                .find(|it| it.label == label)
        })
    }

    /// Clicks on a line as it was seen. False when the menu is another one by now, and the click hits nothing.
    pub(crate) fn click(&self, line: &Line) -> bool {
        assert!(line.enabled, "{line:?}");
        let item = self.item();
        let panel = self.panel.as_ref().expect("a panel");
        let words = (line.id, "clicked", Value::from(0_i32), 0_u32);
        let call = panel.call_method(Some(item.as_str()), "/MenuBar", Some(MENU), "Event", &words);
        self.block_on(call).is_ok()
    }

    /// Clicks on the line with this label, once there is one.
    pub(crate) fn choose(&self, label: &str) {
        wait_until(SOON, &format!("{label} can be clicked"), || {
            self.click(&self.line(label)).then_some(())
        });
    }

    /// Clicks on the line with this label in the menu of another line.
    pub(crate) fn choose_below(&self, head: &str, label: &str) {
        wait_until(SOON, &format!("{label} can be clicked"), || {
            self.click(&self.below(head, label)).then_some(())
        });
    }

    /// All that was shown.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        self.shared.lock().shown.clone()
    }

    /// The notification with this title, once it is shown.
    pub(crate) fn notification(&self, title: &str) -> Shown {
        wait_until(SOON, &format!("{title} is shown"), || {
            self.shown().into_iter().find(|it| it.title == title)
        })
    }

    /// Waits until a notification is taken away.
    pub(crate) fn is_closed(&self, id: u32) {
        wait_until(SOON, "the notification is closed", || {
            self.has_closed(id).then_some(())
        });
    }

    /// Whether a notification was taken away.
    pub(crate) fn has_closed(&self, id: u32) -> bool {
        self.shared.lock().closed.contains(&id)
    }

    /// Presses a button.
    pub(crate) fn press(&self, id: u32, action: &str) {
        let service = self.service.as_ref().expect("a service");
        let emitter = SignalEmitter::new(service, NOTIFICATIONS_PATH).unwrap();
        self.block_on(Service::action_invoked(&emitter, id, action))
            .unwrap();
    }

    /// Says that a button was pressed, to everybody and to the tray alone, and is not the service.
    pub(crate) fn pretend_press(&self, id: u32, action: &str) {
        let panel = self.panel.as_ref().expect("a panel");
        let emitter = SignalEmitter::new(panel, NOTIFICATIONS_PATH).unwrap();
        let pressed = Service::action_invoked(&emitter, id, action);
        self.block_on(pressed).unwrap();
        let words = (id, action);
        for to in self.peers() {
            let to = Some(to.as_str());
            let sent = panel.emit_signal(
                to,
                NOTIFICATIONS_PATH,
                NOTIFICATIONS,
                "ActionInvoked",
                &words,
            );
            self.block_on(sent).unwrap();
        }
    }

    /// Everybody on the bus.
    fn peers(&self) -> Vec<String> {
        let panel = self.panel.as_ref().expect("a panel");
        let bus = "org.freedesktop.DBus";
        let call = panel.call_method(
            Some(bus),
            "/org/freedesktop/DBus",
            Some(bus),
            "ListNames",
            &(),
        );
        let reply = self.block_on(call).unwrap();
        let names: Vec<String> = reply.body().deserialize().unwrap();
        names.into_iter().filter(|it| it.starts_with(':')).collect()
    }

    /// Takes a notification away, as the user does.
    pub(crate) fn dismiss(&self, id: u32) {
        let service = self.service.as_ref().expect("a service");
        let emitter = SignalEmitter::new(service, NOTIFICATIONS_PATH).unwrap();
        self.block_on(Service::notification_closed(&emitter, id, 2))
            .unwrap();
    }
}

fn read_line(item: Structure<'_>, depth: usize, lines: &mut Vec<Line>) {
    let mut fields = item.into_fields().into_iter();
    let id = i32::try_from(fields.next().unwrap()).unwrap();
    let properties: HashMap<String, Value<'_>> = fields.next().unwrap().try_into().unwrap();
    let children: Vec<Value<'_>> = fields.next().unwrap().try_into().unwrap();
    let flag = |name: &str| {
        let value = properties.get(name);
        value.is_none_or(|it| it.downcast_ref::<bool>().unwrap())
    };
    if !flag("visible") {
        return;
    }
    let label = properties
        .get("label")
        .map(|it| it.downcast_ref::<String>().unwrap());
    lines.push(Line {
        id,
        depth,
        label: label.unwrap_or_default(),
        enabled: flag("enabled"),
    });
    for child in children {
        let child = match child {
            Value::Value(inner) => *inner,
            other => other,
        };
        read_line(Structure::try_from(child).unwrap(), depth + 1, lines);
    }
}
