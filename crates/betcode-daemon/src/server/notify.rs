//! The notification service: what clients show and ask. What is told, and when, is decided behind [`crate::notify`].

use std::sync::Arc;
use std::time::Duration;

use betcode_core::id::{ClientId, IdempotencyKey};
use betcode_core::notify::{CHOICES, Choice, Input, Kind, Notice, NotificationId, Snooze, State};
use betcode_core::time::Timestamp;
use betcode_proto::convert::notify::{Notification, NotificationTest, Pause, pause_to_wire};
use betcode_proto::convert::{read_client, read_id};
use betcode_proto::status::{Refusal, reason};
use betcode_proto::v1;
use betcode_proto::v1::notify_service_server::NotifyService;
use tonic::{Code, Request, Response, Status};

use super::peer::Peer;
use super::session::submit;
use crate::machine::Machine;
use crate::notify::{Chosen, Notifier, Rest, View, answer};
use crate::usage::{Usage, Whose};

/// The longest pause: a day.
const LONGEST_SNOOZE: u32 = 24 * 60;
/// How long a client has to show a notification that says nothing: a lease, and another one for the next client.
const TEST_PATIENCE: Duration = Duration::from_secs(5);

/// The notification service of one machine.
#[derive(Debug, Clone)]
pub(crate) struct NotifyServer {
    machine: Arc<Machine>,
    notifier: Notifier,
    usage: Usage,
}

impl NotifyServer {
    /// Serves what this notifier has.
    pub(crate) fn new(machine: Arc<Machine>, notifier: Notifier, usage: Usage) -> Self {
        Self {
            machine,
            notifier,
            usage,
        }
    }

    /// Refuses processes inside agents: what an agent takes away its user does not see.
    async fn keep_agents_out<T>(&self, request: &Request<T>) -> Result<(), Refusal> {
        if let Some(peer) = request.extensions().get::<Peer>() {
            let state_dir = &self.machine.settings().state_dir;
            peer.keep_out(state_dir, "decide about notifications")
                .await?;
        }
        Ok(())
    }

    async fn pause(&self) -> Result<v1::NotificationPause, Refusal> {
        let snooze = self.notifier.view().await?.borrow().snooze;
        Ok(pause_to_wire(snooze.map(Pause::from)))
    }

    /// Waits for a client to show the notification about this, and says how far that went.
    async fn watch(&self, subject: &str) -> Result<NotificationTest, Refusal> {
        let mut view = self.notifier.view().await?;
        let now = view.clone();
        let shown = view.wait_for(|view| {
            let (_, state) = find(view, subject);
            !matches!(state, Found::Free | Found::Claimed)
        });
        let last = match tokio::time::timeout(TEST_PATIENCE, shown).await {
            Ok(Ok(view)) => Arc::clone(&view),
            Ok(Err(_)) | Err(_) => Arc::clone(&now.borrow()),
        };
        let (id, state) = find(&last, subject);
        let (state, until) = match state {
            Found::Shown => ("shown", None),
            Found::Claimed => ("claimed", None),
            Found::Free => ("offered", None),
            Found::Held(until) => ("held", until),
            Found::Nowhere => ("off", None),
        };
        Ok(NotificationTest {
            id: id.map(|id| id.0),
            state: state.to_owned(),
            until,
        })
    }
}

enum Found {
    Free,
    Claimed,
    Shown,
    Held(Option<Timestamp>),
    Nowhere,
}

fn find(view: &View, subject: &str) -> (Option<NotificationId>, Found) {
    let mut standing = view.standing.iter();
    let standing = standing.find(|(it, _)| it.subjects.iter().any(|known| known == subject));
    if let Some((notification, state)) = standing {
        let state = match state {
            State::Free => Found::Free,
            State::Claimed { .. } => Found::Claimed,
            State::Shown { .. } => Found::Shown,
        };
        return (Some(notification.id), state);
    }
    let mut held = view.held.iter();
    let held = held.find(|(notice, _)| notice.subject == subject);
    (
        None,
        held.map_or(Found::Nowhere, |(_, until)| Found::Held(*until)),
    )
}

fn invalid(message: String) -> Refusal {
    Refusal::new(Code::InvalidArgument, reason::INVALID_FIELD, message)
}

fn read_choice(word: &str) -> Result<Choice, Refusal> {
    Choice::of_word(word).ok_or_else(|| {
        let all = CHOICES.map(Choice::word).join(", ");
        invalid(format!("choice: `{word}` is none of {all}"))
    })
}

fn read_client_id(id: &[u8]) -> Result<ClientId, Refusal> {
    Ok(ClientId(read_id("client_id", id)?))
}

#[tonic::async_trait]
impl NotifyService for NotifyServer {
    async fn list_notifications(
        &self,
        _: Request<v1::ListNotificationsRequest>,
    ) -> Result<Response<v1::ListNotificationsResponse>, Status> {
        let list = self.notifier.view().await?.borrow().list();
        Ok(Response::new(list.into()))
    }

    async fn snooze(
        &self,
        request: Request<v1::SnoozeRequest>,
    ) -> Result<Response<v1::SnoozeResponse>, Status> {
        self.keep_agents_out(&request).await?;
        let minutes = request.into_inner().minutes;
        if minutes > LONGEST_SNOOZE {
            let message = format!("minutes: at most {LONGEST_SNOOZE}, a day, and not {minutes}");
            return Err(invalid(message).into());
        }
        let length = Duration::from_mins(minutes.into());
        let until = (minutes > 0).then(|| self.machine.clock().now().plus(length));
        self.notifier.input(Input::Snooze(Snooze { until })).await?;
        Ok(Response::new(v1::SnoozeResponse {
            pause: Some(self.pause().await?),
        }))
    }

    async fn unsnooze(
        &self,
        request: Request<v1::UnsnoozeRequest>,
    ) -> Result<Response<v1::UnsnoozeResponse>, Status> {
        self.keep_agents_out(&request).await?;
        let changed = self.notifier.view().await?.borrow().snooze.is_some();
        self.notifier.input(Input::Unsnooze).await?;
        Ok(Response::new(v1::UnsnoozeResponse { changed }))
    }

    async fn claim_notification(
        &self,
        request: Request<v1::ClaimNotificationRequest>,
    ) -> Result<Response<v1::ClaimNotificationResponse>, Status> {
        self.keep_agents_out(&request).await?;
        let v1::ClaimNotificationRequest { id, client_id } = request.into_inner();
        let by = read_client_id(&client_id)?;
        let (notification, until) = self.notifier.claim(NotificationId(id), by).await?;
        Ok(Response::new(v1::ClaimNotificationResponse {
            notification: Some(Notification::from(&notification).into()),
            until_us: until.0,
        }))
    }

    async fn confirm_notification(
        &self,
        request: Request<v1::ConfirmNotificationRequest>,
    ) -> Result<Response<v1::ConfirmNotificationResponse>, Status> {
        self.keep_agents_out(&request).await?;
        let v1::ConfirmNotificationRequest { id, client_id } = request.into_inner();
        let (id, by) = (NotificationId(id), read_client_id(&client_id)?);
        self.notifier.input(Input::Confirm { id, by }).await?;
        Ok(Response::new(v1::ConfirmNotificationResponse {}))
    }

    async fn dismiss_notification(
        &self,
        request: Request<v1::DismissNotificationRequest>,
    ) -> Result<Response<v1::DismissNotificationResponse>, Status> {
        self.keep_agents_out(&request).await?;
        let id = NotificationId(request.into_inner().id);
        self.notifier.input(Input::Dismiss { id }).await?;
        Ok(Response::new(v1::DismissNotificationResponse {}))
    }

    async fn act_on_notification(
        &self,
        request: Request<v1::ActOnNotificationRequest>,
    ) -> Result<Response<v1::ActOnNotificationResponse>, Status> {
        self.keep_agents_out(&request).await?;
        let peer = request.extensions().get().copied();
        let request = request.into_inner();
        let key = read_id("idempotency_key", &request.idempotency_key).map_err(Refusal::from)?;
        let chosen = Chosen {
            id: NotificationId(request.id),
            choice: read_choice(&request.choice)?,
            key: IdempotencyKey(key),
        };
        let client = read_client(request.client).map_err(Refusal::from)?;
        let rest = self.notifier.choose(chosen.clone()).await?;
        if chosen.choice == Choice::RetryNow {
            // Nobody waits for what comes of it.
            let usage = self.usage.clone();
            self.machine.tasks().spawn("retry", async move {
                let _ended = usage.refresh(Whose::default()).await;
            });
        }
        let session = match rest {
            Rest::Nothing(session) => session,
            Rest::Answer { session, request } => {
                let command = answer((session, request), &chosen, client);
                submit(&self.machine, peer, command.into()).await?;
                // With the end of the request it is over anyway, a moment later.
                let over = Input::Dismiss { id: chosen.id };
                let _over = self.notifier.input(over).await;
                Some(session)
            }
        };
        Ok(Response::new(v1::ActOnNotificationResponse {
            session_id: session
                .map(|id| betcode_proto::convert::id_bytes(id.0))
                .unwrap_or_default(),
        }))
    }

    async fn test_notifications(
        &self,
        request: Request<v1::TestNotificationsRequest>,
    ) -> Result<Response<v1::TestNotificationsResponse>, Status> {
        self.keep_agents_out(&request).await?;
        // One takes the place of the one before.
        let before = "test".to_owned();
        self.notifier
            .input(Input::Withdraw { subject: before })
            .await?;
        let subject = format!("test/{}", uuid::Uuid::new_v4());
        let notice = Notice {
            subject: subject.clone(),
            kind: Kind::Test,
            session: None,
            request: None,
            title: String::new(),
            body: "This is what notifications look like.".to_owned(),
            in_part: false,
        };
        self.notifier.input(Input::Raise(notice)).await?;
        let test = self.watch(&subject).await?;
        // One that stands there the user takes away.
        if test.state != "shown" {
            self.notifier.input(Input::Withdraw { subject }).await?;
        }
        Ok(Response::new(test.into()))
    }
}
