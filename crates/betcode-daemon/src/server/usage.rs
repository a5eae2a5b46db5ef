//! The usage service. What is known, and when sources are asked, is decided behind [`crate::usage`].

use std::pin::Pin;
use std::sync::Arc;

use betcode_core::time::Timestamp;
use betcode_proto::convert::usage::UsageAccount;
use betcode_proto::v1;
use betcode_proto::v1::usage_service_server::UsageService;
use futures_util::stream::{self, Stream};
use tonic::{Request, Response, Status};

use super::session::going_down;
use crate::tasks::Tasks;
use crate::usage::{Usage, View, Whose};

/// The usage service of one machine.
#[derive(Debug, Clone)]
pub(crate) struct UsageServer {
    usage: Usage,
    tasks: Tasks,
}

impl UsageServer {
    /// Serves what is known there.
    pub(crate) fn new(usage: Usage, tasks: Tasks) -> Self {
        Self { usage, tasks }
    }

    async fn accounts(&self) -> Result<Vec<v1::UsageAccount>, Status> {
        Ok(to_wire(&self.usage.accounts().await?))
    }
}

fn to_wire(accounts: &[UsageAccount]) -> Vec<v1::UsageAccount> {
    accounts.iter().cloned().map(Into::into).collect()
}

fn watched(view: &Arc<View>) -> v1::WatchUsageResponse {
    v1::WatchUsageResponse {
        accounts: to_wire(&view.accounts),
    }
}

#[tonic::async_trait]
impl UsageService for UsageServer {
    type WatchUsageStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchUsageResponse, Status>> + Send>>;

    async fn get_usage(
        &self,
        _: Request<v1::GetUsageRequest>,
    ) -> Result<Response<v1::GetUsageResponse>, Status> {
        let accounts = self.accounts().await?;
        Ok(Response::new(v1::GetUsageResponse { accounts }))
    }

    async fn watch_usage(
        &self,
        _: Request<v1::WatchUsageRequest>,
    ) -> Result<Response<Self::WatchUsageStream>, Status> {
        let watching = self.usage.watching();
        let mut view = self.usage.view().await?;
        view.mark_changed();
        let tasks = self.tasks.clone();
        let state = (view, watching, tasks, false);
        let changes = stream::unfold(state, |(mut view, watching, tasks, is_over)| async move {
            if is_over {
                return None;
            }
            let changed = tokio::select! {
                changed = view.changed() => changed.is_ok(),
                () = tasks.stopping() => false,
            };
            let item = if changed {
                let now = Arc::clone(&view.borrow_and_update());
                Ok(watched(&now))
            } else {
                Err(going_down())
            };
            Some((item, (view, watching, tasks, !changed)))
        });
        Ok(Response::new(Box::pin(changes)))
    }

    async fn refresh_usage(
        &self,
        request: Request<v1::RefreshUsageRequest>,
    ) -> Result<Response<v1::RefreshUsageResponse>, Status> {
        let v1::RefreshUsageRequest { provider, account } = request.into_inner();
        self.usage.refresh(Whose { provider, account }).await?;
        let accounts = self.accounts().await?;
        Ok(Response::new(v1::RefreshUsageResponse { accounts }))
    }

    async fn push_statusline(
        &self,
        request: Request<v1::PushStatuslineRequest>,
    ) -> Result<Response<v1::PushStatuslineResponse>, Status> {
        let v1::PushStatuslineRequest { json, config_dir } = request.into_inner();
        self.usage.statusline(json.to_vec(), config_dir).await?;
        let accounts = self.accounts().await?;
        Ok(Response::new(v1::PushStatuslineResponse { accounts }))
    }

    async fn get_usage_history(
        &self,
        request: Request<v1::GetUsageHistoryRequest>,
    ) -> Result<Response<v1::GetUsageHistoryResponse>, Status> {
        let v1::GetUsageHistoryRequest {
            since_us,
            provider,
            account,
        } = request.into_inner();
        let whose = Whose { provider, account };
        let since = Timestamp(since_us.unwrap_or(i64::MIN));
        let histories = self.usage.history(since).await?.into_iter();
        let histories =
            histories.filter(|it| whose.means(it.window.provider.name(), &it.window.account.0));
        let windows = histories.map(Into::into).collect();
        Ok(Response::new(v1::GetUsageHistoryResponse { windows }))
    }

    async fn diagnose_usage(
        &self,
        _: Request<v1::DiagnoseUsageRequest>,
    ) -> Result<Response<v1::DiagnoseUsageResponse>, Status> {
        let findings = self.usage.findings().await?.into_iter();
        let findings = findings.map(Into::into).collect();
        Ok(Response::new(v1::DiagnoseUsageResponse { findings }))
    }
}
