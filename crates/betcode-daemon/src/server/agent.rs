//! The agent service: what could be used on this machine, as the client that asks would get it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use betcode_agents::Kind;
use betcode_core::command::{Environment, Rejected};
use betcode_core::id::AgentName;
use betcode_proto::status::Refusal;
use betcode_proto::v1;
use betcode_proto::v1::agent_service_server::AgentService;
use futures_util::future::join_all;
use tonic::{Request, Response, Status};

use crate::agent::probe::{self, Login};
use crate::agent::resolve::{Layers, check_directory};
use crate::clock::Clock;
use crate::settings::Settings;
use crate::store::Store;
use crate::trust;

/// The agent service.
#[derive(Debug, Clone)]
pub struct AgentServer {
    settings: Arc<Settings>,
    store: Store,
    clock: Clock,
}

/// What the configuration and the disk tell about one agent.
struct Found {
    name: AgentName,
    command: Result<Vec<String>, String>,
    environment: Environment,
    chosen: bool,
}

impl AgentServer {
    /// Serves what these settings and this machine have.
    pub fn new(settings: Arc<Settings>, store: Store, clock: Clock) -> Self {
        Self {
            settings,
            store,
            clock,
        }
    }

    async fn found(
        &self,
        cwd: Option<PathBuf>,
        environment: Environment,
    ) -> Result<Vec<Found>, Rejected> {
        let trusted = match &cwd {
            Some(cwd) => trust::trusted_by(&self.store, cwd).await?.is_some(),
            None => false,
        };
        let settings = Arc::clone(&self.settings);
        tokio::task::spawn_blocking(move || find(&settings, trusted, cwd.as_deref(), &environment))
            .await
            .unwrap_or_else(|_| {
                Err(Rejected::Unavailable(
                    "looking for agents failed".to_owned(),
                ))
            })
    }

    async fn summary(&self, found: Found, cwd: &Path) -> v1::AgentSummary {
        let Found {
            name,
            command,
            environment,
            chosen,
        } = found;
        let supported = Kind::of(&name).is_some();
        // Whatever can be driven announces each call of a tool.
        let rules = if supported { "enforced" } else { "" };
        let login = probe::login(&name, &environment);
        let (command, missing) = match command {
            Ok(command) => (command, None),
            Err(hint) => (Vec::new(), Some(hint)),
        };
        let version = match &missing {
            None => Some(probe::version(&self.clock, &command, cwd, environment).await),
            Some(_) => None,
        };
        let hint = if !supported {
            "this version of BetCode cannot drive it yet".to_owned()
        } else if let Some(missing) = missing.clone() {
            missing
        } else {
            let warning = version.as_ref().and_then(|version| version.warning(&name));
            let login = (login == Login::No).then(|| format!("run {name} auth login"));
            let both: Vec<String> = warning.into_iter().chain(login).collect();
            both.join("; ")
        };
        v1::AgentSummary {
            installed: missing.is_none(),
            supported,
            version: version
                .map(|version| version.text().to_owned())
                .unwrap_or_default(),
            command,
            login: login.word().to_owned(),
            hint,
            chosen,
            rules: rules.to_owned(),
            name: name.0,
        }
    }
}

fn find(
    settings: &Settings,
    trusted: bool,
    cwd: Option<&Path>,
    environment: &Environment,
) -> Result<Vec<Found>, Rejected> {
    if let Some(cwd) = cwd {
        check_directory(cwd)?;
    }
    let mut layers = Layers::read(settings, trusted, None, cwd, environment)?;
    let chosen = match layers.resolution.config.agent.clone() {
        Some(name) => Some(name),
        // Whatever keeps one from being chosen shows in its own line.
        None => layers.choose().ok(),
    };
    let found = layers.names().into_iter().map(|name| Found {
        command: layers.command(&name).map_err(|rejected| match rejected {
            Rejected::Agent { message, hint } => format!("{message}: {hint}"),
            other => other.to_string(),
        }),
        environment: layers.whole_environment(&name),
        chosen: chosen.as_ref() == Some(&name),
        name,
    });
    Ok(found.collect())
}

#[tonic::async_trait]
impl AgentService for AgentServer {
    async fn list_agents(
        &self,
        request: Request<v1::ListAgentsRequest>,
    ) -> Result<Response<v1::ListAgentsResponse>, Status> {
        let v1::ListAgentsRequest { cwd, environment } = request.into_inner();
        let cwd = (!cwd.is_empty()).then(|| PathBuf::from(cwd));
        let environment = Environment(environment.into_iter().collect());
        let found = self
            .found(cwd.clone(), environment)
            .await
            .map_err(Refusal::from)?;
        let cwd = cwd.unwrap_or_else(|| PathBuf::from("/"));
        let agents = join_all(found.into_iter().map(|found| self.summary(found, &cwd))).await;
        Ok(Response::new(v1::ListAgentsResponse { agents }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::options;
    use crate::store::StoreOptions;
    use betcode_core::id::LogEpoch;
    use std::os::unix::fs::PermissionsExt as _;

    #[tokio::test]
    async fn the_list_tells_what_is_installed_what_would_be_used_and_what_mends_the_rest() {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(root.path().join("state")).unwrap();
        for name in ["claude", "codex", "demo"] {
            std::fs::write(bin.join(name), "#!/bin/sh\necho 2.1.300 \"($X)\"\n").unwrap();
            std::fs::set_permissions(bin.join(name), std::fs::Permissions::from_mode(0o755))
                .unwrap();
        }
        let mut options = options(root.path());
        options.demo_command = vec![bin.join("demo").display().to_string(), "demo-agent".into()];
        let settings = Arc::new(Settings::load(&options).0);
        let epoch = LogEpoch(uuid::Uuid::from_u128(7));
        let (store, _) =
            Store::open(&root.path().join("state"), epoch, StoreOptions::default()).unwrap();
        let server = AgentServer::new(settings, store, Clock::new(None));
        let environment = [
            ("PATH", bin.display().to_string()),
            ("HOME", root.path().display().to_string()),
        ];
        let request = v1::ListAgentsRequest {
            cwd: root.path().display().to_string(),
            environment: environment
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
        };
        let agents = server
            .list_agents(Request::new(request))
            .await
            .unwrap()
            .into_inner()
            .agents;
        let names: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
        assert_eq!(
            names,
            ["claude", "codex", "gemini", "opencode", "builtin", "demo"]
        );

        let claude = &agents[0];
        assert_eq!(
            (claude.installed, claude.supported, claude.chosen),
            (true, true, true)
        );
        assert_eq!(claude.version, "2.1.300");
        assert_eq!(claude.command, [bin.join("claude").display().to_string()]);
        if cfg!(target_os = "linux") {
            assert_eq!(
                (claude.login.as_str(), claude.hint.as_str()),
                ("no", "run claude auth login")
            );
        }
        assert_eq!((agents[1].installed, agents[1].supported), (true, false));
        assert!(agents[1].hint.contains("cannot drive it yet"));
        assert_eq!(
            (agents[2].installed, agents[2].version.as_str()),
            (false, "")
        );
        let demo = &agents[5];
        assert_eq!(
            (demo.installed, demo.login.as_str(), demo.hint.as_str()),
            (true, "not needed", "")
        );
        assert!(agents.iter().skip(1).all(|agent| !agent.chosen));
    }
}
