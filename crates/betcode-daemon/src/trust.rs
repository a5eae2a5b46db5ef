//! Directories whose own settings may decide what is run. What follows from trust is the configuration's business.
//!
//! Laws:
//! - a directory is trusted when it, or a directory above it, was trusted by the user; but trust in a repository does not reach
//!   into another one that lies in it: that may have been cloned since;
//! - trust is given to the directory that stood there, known by device and inode: another one in its place is not trusted;
//! - links are resolved first, so no name leads around this.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use betcode_core::command::Rejected;
use betcode_core::time::Timestamp;

use crate::store::{Store, TrustRow};

/// The directory by which the user trusts the one at `path`, with links resolved: itself or one above it. One that does not
/// exist is not trusted.
pub async fn trusted_by(store: &Store, path: &Path) -> Result<Option<PathBuf>, Rejected> {
    let rows = list(store).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let path = path.to_owned();
    let looked = tokio::task::spawn_blocking(move || {
        let canonical = path.canonicalize().ok()?;
        by_which(&rows, &canonical).map(|row| PathBuf::from(&row.directory))
    });
    Ok(looked.await.ok().flatten())
}

/// Trusts a directory. Gives its name with links resolved, and whether it was not trusted before.
pub async fn trust(store: &Store, path: &Path, now: Timestamp) -> Result<(String, bool), Rejected> {
    let path = path.to_owned();
    let row = off_the_reactor(move || row(&path, now)).await?;
    let known = current(store)
        .await?
        .into_iter()
        .any(|(known, current)| current && known.directory == row.directory);
    let directory = row.directory.clone();
    if !known {
        store.set_trust(row).await.map_err(unavailable)?;
    }
    Ok((directory, !known))
}

/// Stops trusting a directory, which need not exist any more. Gives its name and whether it was trusted before.
pub async fn distrust(store: &Store, path: &Path) -> Result<(String, bool), Rejected> {
    let given = path.to_owned();
    let canonical = off_the_reactor(move || {
        absolute(&given)?;
        Ok(given.canonicalize().unwrap_or(given))
    })
    .await?;
    let directory = text(&canonical)?;
    let rows = list(store).await?;
    let known = rows.iter().any(|row| row.directory == directory);
    if known {
        store.remove_trust(&directory).await.map_err(unavailable)?;
    }
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|row| row.directory != directory)
        .collect();
    let above =
        off_the_reactor(move || Ok(by_which(&rows, &canonical).map(|row| row.directory.clone())))
            .await?;
    match above {
        Some(above) => Err(invalid(format!(
            "`{directory}` is still trusted because `{above}` is; stop trusting that one"
        ))),
        None => Ok((directory, known)),
    }
}

/// Every directory that was trusted, and whether it is still the same one.
pub async fn current(store: &Store) -> Result<Vec<(TrustRow, bool)>, Rejected> {
    let rows = list(store).await?;
    off_the_reactor(move || {
        Ok(rows
            .into_iter()
            .map(|row| {
                let current = stands(&row);
                (row, current)
            })
            .collect())
    })
    .await
}

async fn list(store: &Store) -> Result<Vec<TrustRow>, Rejected> {
    store.list_trust().await.map_err(unavailable)
}

fn by_which<'a>(rows: &'a [TrustRow], canonical: &Path) -> Option<&'a TrustRow> {
    let trusted = canonical.ancestors().find_map(|directory| {
        rows.iter()
            .find(|row| Path::new(&row.directory) == directory && stands(row))
    })?;
    let is_repository = |directory: &&Path| directory.join(".git").symlink_metadata().is_ok();
    let trusted_one = Path::new(&trusted.directory);
    let mut below = canonical
        .ancestors()
        .take_while(|directory| *directory != trusted_one);
    let holds_another = below.any(|directory| is_repository(&directory));
    let is_of_one = trusted_one
        .ancestors()
        .any(|directory| is_repository(&directory));
    (!(holds_another && is_of_one)).then_some(trusted)
}

/// Whether the directory that was trusted is the one that is there. A file system may give the number of a removed
/// directory to a new one; that one was made after the user spoke.
fn stands(row: &TrustRow) -> bool {
    let same = |data: &Metadata| (data.dev(), data.ino()) == (row.device, row.inode);
    let younger = |data: &Metadata| {
        let made = data
            .created()
            .ok()
            .and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        made.is_some_and(|made| {
            i128::from(row.since.0) < i128::try_from(made.as_micros()).unwrap_or(i128::MAX)
        })
    };
    std::fs::symlink_metadata(&row.directory)
        .is_ok_and(|data| data.is_dir() && same(&data) && !younger(&data))
}

fn row(path: &Path, since: Timestamp) -> Result<TrustRow, Rejected> {
    absolute(path)?;
    let shown = path.display();
    let looked = path
        .canonicalize()
        .and_then(|canonical| Ok((canonical.metadata()?, canonical)));
    match looked {
        Ok((data, canonical)) if data.is_dir() => Ok(TrustRow {
            directory: text(&canonical)?,
            device: data.dev(),
            inode: data.ino(),
            since,
        }),
        Ok(_) => Err(invalid(format!("`{shown}` is not a directory"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(invalid(format!("the directory `{shown}` does not exist")))
        }
        Err(error) => Err(invalid(format!("`{shown}` cannot be looked at: {error}"))),
    }
}

fn absolute(path: &Path) -> Result<(), Rejected> {
    if path.is_absolute() {
        Ok(())
    } else {
        Err(invalid(format!(
            "`{}` is not an absolute path",
            path.display()
        )))
    }
}

fn text(path: &Path) -> Result<String, Rejected> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        invalid(format!(
            "`{}` is not UTF-8, so it cannot be remembered",
            path.display()
        ))
    })
}

fn invalid(problem: String) -> Rejected {
    Rejected::Invalid {
        field: "directory",
        problem,
    }
}

fn unavailable(error: impl std::fmt::Display) -> Rejected {
    Rejected::Unavailable(error.to_string())
}

async fn off_the_reactor<T, F>(work: F) -> Result<T, Rejected>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Rejected> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(Rejected::Unavailable(
            "the directory could not be looked at".to_owned(),
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::StoreOptions;
    use betcode_core::id::LogEpoch;

    fn now() -> Timestamp {
        crate::clock::Clock::new(None).now()
    }

    struct Ground {
        root: tempfile::TempDir,
        store: Store,
    }

    impl Ground {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            std::fs::create_dir_all(root.path().join("state")).unwrap();
            std::fs::create_dir_all(root.path().join("project/below")).unwrap();
            let epoch = LogEpoch(uuid::Uuid::from_u128(7));
            let (store, _) =
                Store::open(&root.path().join("state"), epoch, StoreOptions::default()).unwrap();
            Self { root, store }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.root.path().canonicalize().unwrap().join(name)
        }

        async fn trusted(&self, name: &str) -> bool {
            trusted_by(&self.store, &self.path(name))
                .await
                .unwrap()
                .is_some()
        }
    }

    #[tokio::test]
    async fn a_trusted_directory_counts_with_all_below_it_and_under_every_name() {
        let ground = Ground::new();
        assert!(!ground.trusted("project").await);
        let (directory, changed) = trust(&ground.store, &ground.path("project/../project"), now())
            .await
            .unwrap();
        assert_eq!(
            (PathBuf::from(directory), changed),
            (ground.path("project"), true)
        );
        assert!(
            !trust(&ground.store, &ground.path("project"), now())
                .await
                .unwrap()
                .1
        );
        std::os::unix::fs::symlink(ground.path("project"), ground.path("link")).unwrap();
        for name in ["project", "project/below", "link", "link/below"] {
            assert!(ground.trusted(name).await, "{name}");
        }
        for name in ["", "state", "project/nowhere"] {
            assert!(!ground.trusted(name).await, "{name}");
        }
    }

    #[tokio::test]
    async fn trust_in_a_repository_does_not_reach_into_another_one_in_it() {
        let ground = Ground::new();
        for clone in ["project/vendor/clone/.git", "project/plain"] {
            std::fs::create_dir_all(ground.path(clone)).unwrap();
        }
        let all = ground.path("project");
        trust(&ground.store, &all, now()).await.unwrap();
        // A directory that holds repositories was trusted for all of them.
        assert!(ground.trusted("project/vendor/clone").await);
        std::fs::create_dir(ground.path("project/.git")).unwrap();
        assert!(!ground.trusted("project/vendor/clone").await);
        for own in ["project", "project/vendor", "project/plain"] {
            assert!(ground.trusted(own).await, "{own}");
        }
        let clone = ground.path("project/vendor/clone");
        trust(&ground.store, &clone, now()).await.unwrap();
        assert!(ground.trusted("project/vendor/clone").await);
    }

    #[tokio::test]
    async fn a_directory_that_takes_the_place_of_a_trusted_one_is_not_trusted() {
        let ground = Ground::new();
        trust(&ground.store, &ground.path("project"), now())
            .await
            .unwrap();
        std::fs::rename(ground.path("project"), ground.path("old")).unwrap();
        std::fs::create_dir_all(ground.path("project/below")).unwrap();
        assert!(!ground.trusted("project").await);
        assert!(!ground.trusted("project/below").await);
        let rows = current(&ground.store).await.unwrap();
        assert_eq!(
            rows.iter().map(|(_, current)| *current).collect::<Vec<_>>(),
            [false]
        );
        assert!(
            trust(&ground.store, &ground.path("project"), now())
                .await
                .unwrap()
                .1
        );
        assert!(ground.trusted("project").await);
    }

    #[tokio::test]
    async fn a_new_directory_is_not_trusted_even_if_it_gets_the_number_of_the_removed_one() {
        let ground = Ground::new();
        let project = ground.path("project");
        let made = || project.metadata().unwrap().created().unwrap();
        let since = made().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let since = Timestamp(i64::try_from(since).unwrap());
        trust(&ground.store, &project, since).await.unwrap();
        assert!(ground.trusted("project").await);
        let first = made();
        // Times of files go in steps: until the next one there is nothing to tell them apart by.
        while made().duration_since(first).unwrap() < Duration::from_millis(1) {
            std::fs::remove_dir_all(&project).unwrap();
            std::fs::create_dir(&project).unwrap();
        }
        assert!(!ground.trusted("project").await);
    }

    #[tokio::test]
    async fn trust_ends_when_it_is_taken_back_and_below_it_the_refusal_names_the_one_above() {
        let ground = Ground::new();
        trust(&ground.store, &ground.path("project"), now())
            .await
            .unwrap();
        let refused = distrust(&ground.store, &ground.path("project/below"))
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("stop trusting that one"),
            "{refused}"
        );
        std::fs::remove_dir_all(ground.path("project")).unwrap();
        assert!(
            distrust(&ground.store, &ground.path("project"))
                .await
                .unwrap()
                .1
        );
        assert!(
            !distrust(&ground.store, &ground.path("project"))
                .await
                .unwrap()
                .1
        );
        assert_eq!(current(&ground.store).await.unwrap(), []);
    }

    #[tokio::test]
    async fn what_is_no_directory_is_refused_by_name() {
        let ground = Ground::new();
        std::fs::write(ground.path("file"), "").unwrap();
        for (path, problem) in [
            (ground.path("nowhere"), "does not exist"),
            (ground.path("file"), "is not a directory"),
            ("project".into(), "is not an absolute path"),
        ] {
            match trust(&ground.store, &path, now()).await.unwrap_err() {
                Rejected::Invalid {
                    field: "directory",
                    problem: said,
                } => {
                    assert!(
                        said.contains(path.to_str().unwrap()) && said.contains(problem),
                        "{said}"
                    );
                }
                other => unreachable!("{other:?}"),
            }
        }
    }
}
