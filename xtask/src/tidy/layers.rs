//! Which crate may stand on which: the table of the layers, and what the manifests say.
//!
//! Only normal and build dependencies count. The table is the one place where a layer is changed, and a crate that
//! is not in it is a finding.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::Finding;

/// The lowest layer: functions of their arguments.
pub(super) const PURE_CRATES: &[&str] = &[
    "betcode-core",
    "betcode-agents",
    "betcode-rules",
    "usage-core",
    "betcode-crypto",
    "betcode-tunnel",
];

/// What brings a runtime, a network or a disk, and so has no place in the lowest layer.
const IMPURE_LIBRARIES: &[&str] = &[
    "axum",
    "hyper",
    "hyper-util",
    "mio",
    "notify",
    "portable-pty",
    "reqwest",
    "rusqlite",
    "rustix",
    "socket2",
    "tempfile",
    "tokio",
    "tokio-stream",
    "tokio-util",
    "tonic",
    "tonic-prost",
    "tower",
    "ureq",
];

/// What would bring an asynchronous runtime into the agent host.
const ASYNC_LIBRARIES: &[&str] = &[
    "async-std",
    "hyper",
    "hyper-util",
    "reqwest",
    "smol",
    "tokio",
    "tokio-stream",
    "tokio-util",
    "tonic",
    "tower",
];

/// Every crate of the workspace with the crates of the workspace it may depend on.
const LAYERS: &[(&str, &[&str])] = &[
    ("betcode-core", &[]),
    ("betcode-agents", &["betcode-core"]),
    ("betcode-rules", &["betcode-core"]),
    ("usage-core", &["betcode-core"]),
    ("betcode-crypto", &["betcode-core"]),
    ("betcode-tunnel", &["betcode-core"]),
    ("betcode-proto", &["betcode-core", "usage-core"]),
    ("betcode-host", &[]),
    (
        "betcode-client",
        &[
            "betcode-core",
            "betcode-proto",
            "betcode-crypto",
            "betcode-tunnel",
        ],
    ),
    (
        "betcode-daemon",
        &[
            "betcode-core",
            "betcode-agents",
            "betcode-rules",
            "usage-core",
            "betcode-crypto",
            "betcode-tunnel",
            "betcode-proto",
            "betcode-host",
        ],
    ),
    ("betcode-relay", &["betcode-core", "betcode-tunnel"]),
    ("betcode-demo", &["betcode-core"]),
    (
        "betcode-tui",
        &["betcode-core", "usage-core", "betcode-client"],
    ),
    (
        "tray",
        &[
            "betcode-core",
            "usage-core",
            "betcode-proto",
            "betcode-client",
        ],
    ),
    (
        "betcode-cli",
        &[
            "betcode-core",
            "betcode-agents",
            "betcode-rules",
            "usage-core",
            "betcode-crypto",
            "betcode-tunnel",
            "betcode-proto",
            "betcode-host",
            "betcode-client",
            "betcode-daemon",
            "betcode-demo",
            "betcode-tui",
        ],
    ),
    // Targets are functions of bytes over what they try; nothing of the product stands on it.
    (
        "betcode-fuzz",
        &[
            "betcode-core",
            "betcode-agents",
            "betcode-rules",
            "betcode-proto",
            "betcode-host",
            "betcode-daemon",
        ],
    ),
    // Neither it nor xtask may need generated code: `cargo xtask codegen` has to build when that code is broken.
    ("betcode-testkit", &["betcode-core"]),
    // Client and rules are there for its feature `bench` only, which is off unless the measurement turns it on.
    (
        "xtask",
        &[
            "betcode-testkit",
            "betcode-core",
            "betcode-client",
            "betcode-rules",
            "betcode-tui",
        ],
    ),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

/// Reads the manifests below `root` and checks them.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let output = Command::new("cargo")
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cannot read cargo metadata")?;
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let manifest = std::fs::read_to_string(&package.manifest_path)
            .with_context(|| format!("cannot read {}", package.manifest_path))?;
        let path = Path::new(&package.manifest_path)
            .strip_prefix(root)
            .unwrap_or(Path::new(&package.manifest_path));
        findings.extend(check_package(
            package,
            &path.display().to_string().replace('\\', "/"),
            &manifest,
        ));
    }
    Ok(findings)
}

fn check_package(package: &Package, path: &str, manifest: &str) -> Vec<Finding> {
    let name = package.name.as_str();
    let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == name) else {
        let instead =
            "give it a line in LAYERS (xtask/src/tidy/layers.rs) and in docs/architecture.md";
        return vec![Finding::new(
            path,
            1,
            format!("`{name}` has no layer"),
            instead,
        )];
    };
    let mut findings = Vec::new();
    for dependency in package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind.as_deref() != Some("dev"))
    {
        let needs = dependency.name.as_str();
        let broken = if dependency.path.is_some() {
            (!allowed.contains(&needs)).then(|| beyond(needs, allowed))
        } else if PURE_CRATES.contains(&name) && IMPURE_LIBRARIES.contains(&needs) {
            Some("keep I/O in a crate above and pass its results in".to_owned())
        } else if name == "betcode-host" && ASYNC_LIBRARIES.contains(&needs) {
            Some("the agent host is threads and blocking calls: use std or rustix".to_owned())
        } else {
            None
        };
        if let Some(instead) = broken {
            let line = line_of(manifest, needs);
            findings.push(Finding::new(
                path,
                line,
                format!("`{name}` may not depend on `{needs}`"),
                instead,
            ));
        }
    }
    findings
}

fn beyond(needs: &str, allowed: &[&str]) -> String {
    if needs == "betcode-testkit" {
        return "name it under [dev-dependencies]".to_owned();
    }
    if allowed.is_empty() {
        return "it stands on no other crate of this workspace: turn the dependency round"
            .to_owned();
    }
    format!(
        "it stands on {} only: turn the dependency round or move the code",
        allowed.join(", ")
    )
}

/// The line of a manifest that names a dependency.
fn line_of(manifest: &str, dependency: &str) -> usize {
    let names = |line: &str| {
        let rest = line.trim_start().strip_prefix(dependency);
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    manifest
        .lines()
        .position(names)
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, dependencies: &[(&str, Option<&str>, bool)]) -> Vec<Finding> {
        let dependency = |&(name, kind, ours): &(&str, Option<&str>, bool)| Dependency {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            path: ours.then(|| format!("crates/{name}")),
        };
        let dependencies = dependencies.iter().map(dependency).collect();
        let package = Package {
            name: name.to_owned(),
            manifest_path: String::new(),
            dependencies,
        };
        check_package(
            &package,
            "crates/a/Cargo.toml",
            "[dependencies]\ntokio.workspace = true\nbetcode-daemon = {}\n",
        )
    }

    #[test]
    fn what_the_table_allows_passes() {
        assert_eq!(
            findings(
                "betcode-agents",
                &[("betcode-core", None, true), ("serde", None, false)]
            ),
            []
        );
        assert_eq!(
            findings(
                "betcode-daemon",
                &[("betcode-host", None, true), ("tokio", None, false)]
            ),
            []
        );
    }

    #[test]
    fn a_dependency_upwards_is_found_on_its_line() {
        let found = findings("betcode-core", &[("betcode-daemon", None, true)]);
        assert_eq!(
            found[0].to_string(),
            "crates/a/Cargo.toml:3: `betcode-core` may not depend on `betcode-daemon`; it stands on no other crate of this workspace: turn the dependency round"
        );
    }

    #[test]
    fn a_runtime_is_kept_out_of_the_lowest_layer_and_the_host() {
        for name in ["betcode-core", "usage-core", "betcode-host"] {
            assert_eq!(
                findings(name, &[("tokio", None, false)])[0].line,
                2,
                "{name}"
            );
            assert_eq!(
                findings(name, &[("tokio", Some("dev"), false)]),
                [],
                "{name}"
            );
        }
        assert_eq!(findings("betcode-host", &[("rustix", None, false)]), []);
    }

    #[test]
    fn the_testkit_is_for_tests() {
        assert_eq!(
            findings("betcode-cli", &[("betcode-testkit", Some("dev"), true)]),
            []
        );
        assert!(
            findings("betcode-cli", &[("betcode-testkit", None, true)])[0]
                .instead
                .contains("dev-dependencies")
        );
        assert_eq!(findings("xtask", &[("betcode-testkit", None, true)]), []);
    }

    #[test]
    fn a_crate_without_a_layer_is_found() {
        assert!(findings("betcode-utils", &[])[0].what.contains("no layer"));
    }

    #[test]
    fn the_table_has_no_circle() {
        for (index, (name, allowed)) in LAYERS.iter().enumerate() {
            for needs in *allowed {
                let position = LAYERS.iter().position(|(layer, _)| layer == needs);
                assert!(
                    position.is_some_and(|position| position < index),
                    "{name} stands on {needs}, which is not above it"
                );
            }
        }
    }
}
