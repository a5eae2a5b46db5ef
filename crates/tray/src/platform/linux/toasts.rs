//! Notifications over `org.freedesktop.Notifications`: asking what can be shown, showing, taking away, and hearing what is
//! pressed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use zbus::fdo::DBusProxy;
use zbus::message::Type;
use zbus::zvariant::Value;
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::model::Msg;
use crate::platform::News;
use crate::toast::{Abilities, Toast, Urgency};

const SERVICE: &str = "org.freedesktop.Notifications";
const BUS: &str = "org.freedesktop.DBus";
const OWNER_CHANGED: &str = "NameOwnerChanged";
const PATH: &str = "/org/freedesktop/Notifications";
/// What is shown stands under this name.
const NAME: &str = "BetCode";
/// A service that is slower than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// What is chosen by the user's own doing: taken away.
const DISMISSED: u32 = 2;
/// As long as the service thinks fit, and for ever.
const USUAL: i32 = -1;
const NEVER: i32 = 0;

/// Which connection to the bus is the service: what others say in its name counts for nothing.
type Owner = Arc<Mutex<Option<String>>>;

/// The service that shows notifications.
#[derive(Debug)]
pub(super) struct Toasts {
    bus: Connection,
    owner: Owner,
    /// Ends with this.
    _listening: JoinSet<()>,
}

impl Toasts {
    pub(super) async fn open(news: mpsc::UnboundedSender<News>) -> zbus::Result<Self> {
        let bus = Connection::session().await?;
        // One stream for everything: whether a button was pressed before or after the service changed is its order.
        let mut messages = MessageStream::from(&bus);
        let daemon = DBusProxy::new(&bus).await?;
        let signals = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(SERVICE)?
            .interface(SERVICE)?
            .build();
        let owners = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(BUS)?
            .member(OWNER_CHANGED)?
            .arg(0, SERVICE)?
            .build();
        daemon.add_match_rule(signals).await?;
        daemon.add_match_rule(owners).await?;
        let owner = Owner::default();
        let known = Arc::clone(&owner);
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            while let Some(message) = messages.next().await {
                let heard = message.ok().and_then(|it| hear(&it, &known));
                if !heard.into_iter().flatten().all(|it| news.send(it).is_ok()) {
                    return;
                }
            }
            // Whoever does not listen any more ends anyway.
            let _ending = news.send(News::Over);
        });
        Ok(Self {
            bus,
            owner,
            _listening: listening,
        })
    }

    pub(super) async fn abilities(&self) -> Option<Abilities> {
        let reply = self.call("GetCapabilities", &()).await?;
        let words: Vec<String> = reply.body().deserialize().ok()?;
        Some(Abilities::read(words.iter().map(String::as_str)))
    }

    pub(super) async fn notify(&self, toast: &Toast, instead: Option<u32>) -> Option<u32> {
        let urgency: u8 = match toast.urgency {
            Urgency::Normal => 1,
            Urgency::Critical => 2,
        };
        let hints = HashMap::from([
            ("urgency", Value::from(urgency)),
            ("desktop-entry", Value::from("betcode-tray")),
        ]);
        let buttons = toast.buttons.iter();
        let buttons: Vec<&str> = buttons.flat_map(|(word, label)| [*word, *label]).collect();
        let stays = if toast.stays { NEVER } else { USUAL };
        let words = (
            NAME,
            instead.unwrap_or(0),
            "",
            toast.title.as_str(),
            toast.body.as_str(),
            buttons,
            hints,
            stays,
        );
        let reply = self.call("Notify", &words).await?;
        reply.body().deserialize().ok()
    }

    pub(super) async fn close(&self, id: u32) {
        // One that is gone already is gone.
        let _gone = self.call("CloseNotification", &id).await;
    }

    async fn call<B>(&self, method: &str, words: &B) -> Option<Message>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let call = self
            .bus
            .call_method(Some(SERVICE), PATH, Some(SERVICE), method, words);
        let reply = timeout(PATIENCE, call).await.ok()?.ok()?;
        let answers = reply.header().sender().map(ToString::to_string);
        *lock(&self.owner) = answers;
        Some(reply)
    }
}

fn lock(owner: &Owner) -> MutexGuard<'_, Option<String>> {
    owner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a message tells, if it comes from whom it should.
fn hear(message: &Message, owner: &Owner) -> Option<Vec<News>> {
    let header = message.header();
    if header.message_type() != Type::Signal {
        return None;
    }
    let (sender, member) = (header.sender()?.as_str(), header.member()?.as_str());
    let body = message.body();
    if sender == BUS {
        if member != OWNER_CHANGED {
            return None;
        }
        let (name, old, new): (String, String, String) = body.deserialize().ok()?;
        return (name == SERVICE).then(|| owner_news(&old, new, owner));
    }
    if header.interface()?.as_str() != SERVICE || lock(owner).as_deref() != Some(sender) {
        return None;
    }
    match member {
        "ActionInvoked" => {
            let (desktop, choice): (u32, String) = body.deserialize().ok()?;
            Some(vec![News::Msg(Msg::Pressed { desktop, choice })])
        }
        "NotificationClosed" => {
            let (desktop, reason): (u32, u32) = body.deserialize().ok()?;
            let dismissed = reason == DISMISSED;
            Some(vec![News::Msg(Msg::Gone { desktop, dismissed })])
        }
        _ => None,
    }
}

fn owner_news(old: &str, new: String, owner: &Owner) -> Vec<News> {
    let mut news = Vec::new();
    if !old.is_empty() {
        news.push(News::Msg(Msg::DesktopGone));
    }
    let came = !new.is_empty();
    *lock(owner) = Some(new).filter(|_| came);
    if came {
        news.push(News::ServiceCame);
    }
    news
}
