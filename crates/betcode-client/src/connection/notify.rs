//! Calls about notifications.

use betcode_core::event::ClientInfo;
use betcode_core::id::{ClientId, IdempotencyKey, SessionId};
use betcode_core::time::Timestamp;
use betcode_proto::convert::notify::{
    Notification, NotificationList, NotificationTest, Pause, pause_from_wire,
};
use betcode_proto::convert::{id_bytes, read_optional_id};
use betcode_proto::v1;

use super::{Connection, answer, present};
use crate::CallError;

impl Connection {
    /// What the user is told, what is held back, and the pause.
    pub async fn list_notifications(&self) -> Result<NotificationList, CallError> {
        let request = v1::ListNotificationsRequest {};
        let response = answer(self.notify_service().list_notifications(request)).await?;
        Ok(response.try_into()?)
    }

    /// Holds notifications back for so many minutes; 0: until a quota begins anew. Gives the pause as it is now.
    pub async fn snooze(&self, minutes: u32) -> Result<Option<Pause>, CallError> {
        let request = v1::SnoozeRequest { minutes };
        let response = answer(self.notify_service().snooze(request)).await?;
        Ok(pause_from_wire(response.pause))
    }

    /// Holds nothing back any more. Says whether there was a pause.
    pub async fn unsnooze(&self) -> Result<bool, CallError> {
        let request = v1::UnsnoozeRequest {};
        let response = answer(self.notify_service().unsnooze(request)).await?;
        Ok(response.changed)
    }

    /// Claims a notification, to show it at once and confirm that. Gives it as it is now, and until when it is claimed.
    pub async fn claim_notification(
        &self,
        id: u64,
        by: ClientId,
    ) -> Result<(Notification, Timestamp), CallError> {
        let request = v1::ClaimNotificationRequest {
            id,
            client_id: id_bytes(by.0),
        };
        let response = answer(self.notify_service().claim_notification(request)).await?;
        let notification = present("notification", response.notification)?;
        Ok((notification.try_into()?, Timestamp(response.until_us)))
    }

    /// Says that a notification stands there.
    pub async fn confirm_notification(&self, id: u64, by: ClientId) -> Result<(), CallError> {
        let request = v1::ConfirmNotificationRequest {
            id,
            client_id: id_bytes(by.0),
        };
        answer(self.notify_service().confirm_notification(request)).await?;
        Ok(())
    }

    /// The user has seen enough of a notification.
    pub async fn dismiss_notification(&self, id: u64) -> Result<(), CallError> {
        let request = v1::DismissNotificationRequest { id };
        answer(self.notify_service().dismiss_notification(request)).await?;
        Ok(())
    }

    /// Does what was chosen in a notification, by its word. The same choice under the same key has no second effect. Gives the
    /// session that it is about, for whoever shows it.
    pub async fn act_on_notification(
        &self,
        id: u64,
        choice: &str,
        key: IdempotencyKey,
        client: ClientInfo,
    ) -> Result<Option<SessionId>, CallError> {
        let request = v1::ActOnNotificationRequest {
            id,
            choice: choice.to_owned(),
            idempotency_key: id_bytes(key.0),
            client: Some(client.into()),
        };
        let response = answer(self.notify_service().act_on_notification(request)).await?;
        let session = read_optional_id("session_id", &response.session_id);
        Ok(session.map(|id| id.map(SessionId))?)
    }

    /// Raises a notification that says nothing, and says after a few seconds at most what became of it.
    pub async fn test_notifications(&self) -> Result<NotificationTest, CallError> {
        let request = v1::TestNotificationsRequest {};
        let response = answer(self.notify_service().test_notifications(request)).await?;
        Ok(response.into())
    }
}
