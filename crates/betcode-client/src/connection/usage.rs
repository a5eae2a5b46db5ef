//! Calls about the use of plans.

use std::time::Duration;

use betcode_core::time::Timestamp;
use betcode_proto::convert::usage::{UsageAccount, UsageFinding, UsageHistory, accounts};
use betcode_proto::v1;
use futures_core::Stream;
use futures_util::StreamExt as _;

use super::{Connection, answer, answer_within};
use crate::CallError;

/// Sources take their time; each has a time-out of its own below this.
const SOURCES: Duration = Duration::from_secs(90);

impl Connection {
    /// What is known of all accounts, at once.
    pub async fn usage(&self) -> Result<Vec<UsageAccount>, CallError> {
        let request = v1::GetUsageRequest {};
        let response = answer(self.usage_service().get_usage(request)).await?;
        Ok(accounts(response.accounts))
    }

    /// What is known of all accounts, now and whenever that changes; while this is held, somebody looks.
    pub async fn watch_usage(
        &self,
    ) -> Result<impl Stream<Item = Result<Vec<UsageAccount>, CallError>> + use<>, CallError> {
        let request = v1::WatchUsageRequest {};
        let stream = answer(self.usage_service().watch_usage(request)).await?;
        Ok(stream.map(|response| match response {
            Ok(response) => Ok(accounts(response.accounts)),
            Err(status) => Err(status.into()),
        }))
    }

    /// Asks the sources of all accounts, or of those of one provider or name, and waits for what they say.
    pub async fn refresh_usage(
        &self,
        provider: &str,
        account: &str,
    ) -> Result<Vec<UsageAccount>, CallError> {
        let request = v1::RefreshUsageRequest {
            provider: provider.to_owned(),
            account: account.to_owned(),
        };
        let mut service = self.usage_service();
        let response = answer_within(SOURCES, service.refresh_usage(request)).await?;
        Ok(accounts(response.accounts))
    }

    /// Hands over what Claude Code gave to the command of its status line.
    pub async fn push_statusline(
        &self,
        json: Vec<u8>,
        config_dir: &str,
    ) -> Result<Vec<UsageAccount>, CallError> {
        let request = v1::PushStatuslineRequest {
            json: json.into(),
            config_dir: config_dir.to_owned(),
        };
        let response = answer(self.usage_service().push_statusline(request)).await?;
        Ok(accounts(response.accounts))
    }

    /// How the use of windows went.
    pub async fn usage_history(
        &self,
        since: Option<Timestamp>,
    ) -> Result<Vec<UsageHistory>, CallError> {
        let request = v1::GetUsageHistoryRequest {
            since_us: since.map(|since| since.0),
            ..v1::GetUsageHistoryRequest::default()
        };
        let response = answer(self.usage_service().get_usage_history(request)).await?;
        let windows = response.windows.into_iter().map(UsageHistory::try_from);
        // Those of a provider that this version does not know are left out.
        Ok(windows.filter_map(Result::ok).collect())
    }

    /// Which source is used, what is wrong with it, and what to do.
    pub async fn diagnose_usage(&self) -> Result<Vec<UsageFinding>, CallError> {
        let request = v1::DiagnoseUsageRequest {};
        let mut service = self.usage_service();
        let response = answer_within(SOURCES, service.diagnose_usage(request)).await?;
        Ok(response.findings.into_iter().map(Into::into).collect())
    }
}
