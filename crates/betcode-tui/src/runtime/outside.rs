//! Other programs and files: the editor, the shell, the list of files.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, waitpid};

use super::{Brought, Images, Owned};
use crate::msg::{Image, Msg};
use crate::terminal::tty;

/// So many files are listed at most.
const FILES: usize = 50_000;
/// So much of a command's output is taken.
const OUTPUT: usize = 100_000;

/// Keeps how somebody likes the screen, under a name in its directory, for the next time. What cannot be remembered has to be
/// said again: that is no reason not to work.
pub fn remember(directory: &Path, name: &str, what: &str) {
    // The daemon wants the directory for this user alone.
    let _ = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .and_then(|()| std::fs::write(directory.join(name), what));
}

/// How other programs are run.
#[derive(Clone)]
pub(super) struct Outside {
    pub(super) editor: Vec<String>,
    pub(super) shell: String,
    pub(super) directory: PathBuf,
    pub(super) images: Arc<dyn Images>,
}

impl Outside {
    /// Has a text edited; it waits for the editor.
    pub(super) fn edit(&self, text: &str) -> Result<String, String> {
        let Some((program, arguments)) = self.editor.split_first() else {
            return Err("no editor is known: set EDITOR".to_owned());
        };
        let problem = |what: &str, error: std::io::Error| format!("{what}: {error}");
        // What is written is for this user alone.
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory);
        made.map_err(|error| problem("a file to edit cannot be made", error))?;
        let file = self
            .directory
            .join(format!("edit-{}.md", std::process::id()));
        let write = || {
            use std::io::Write as _;
            use std::os::unix::fs::OpenOptionsExt as _;
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            options.open(&file)?.write_all(text.as_bytes())
        };
        write().map_err(|error| problem("a file to edit cannot be written", error))?;
        let status = Command::new(program)
            .args(arguments)
            .arg(&file)
            .spawn()
            .and_then(|editor| ended(&editor));
        let edited = std::fs::read_to_string(&file);
        // What could not be removed is in the user's own directory.
        let _ = std::fs::remove_file(&file);
        match status {
            Ok(status) if status.success() => {
                edited.map_err(|error| problem("what was edited cannot be read", error))
            }
            Ok(status) => Err(format!(
                "the editor {program} ended with {status}; nothing was changed"
            )),
            Err(error) => Err(problem(
                &format!("the editor {program} cannot be started"),
                error,
            )),
        }
    }

    /// Brings an image.
    pub(super) fn image(&self, of: Image, directory: String) -> Owned<Brought> {
        let images = Arc::clone(&self.images);
        Box::pin(async move {
            let wanted = of.clone();
            let read = move || match wanted {
                Image::File { path, .. } => images.file(&path, &directory),
                Image::Clipboard => clipboard().and_then(|bytes| images.bytes(&bytes)),
            };
            let read = tokio::task::spawn_blocking(read).await;
            let image = read.unwrap_or_else(|error| Err(error.to_string()));
            Brought::Msg(Msg::Image(of, image))
        })
    }

    /// Runs a command of the user's.
    pub(super) fn shell(&self, command: String, directory: String) -> Owned<Brought> {
        let shell = self.shell.clone();
        Box::pin(async move {
            let line = command.clone();
            let run = move || {
                let output = Command::new(shell)
                    .arg("-c")
                    .arg(line)
                    .current_dir(directory)
                    .stdin(Stdio::null())
                    .output();
                match output {
                    Ok(output) => {
                        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
                        text.push_str(&String::from_utf8_lossy(&output.stderr));
                        if !output.status.success() {
                            text.extend(["(", &output.status.to_string(), ")"]);
                        }
                        text
                    }
                    Err(error) => format!("cannot be run: {error}"),
                }
            };
            let output = tokio::task::spawn_blocking(run).await.unwrap_or_default();
            let output = beginning(&output);
            Brought::Msg(Msg::Shell { command, output })
        })
    }
}

/// Programs that print the image in the clipboard, for Wayland, X and macOS.
const CLIPBOARDS: [&[&str]; 3] = [
    &["wl-paste", "--no-newline", "--type", "image/png"],
    &[
        "xclip",
        "-selection",
        "clipboard",
        "-target",
        "image/png",
        "-out",
    ],
    &["pngpaste", "-"],
];

/// The image in the clipboard.
fn clipboard() -> Result<Vec<u8>, String> {
    let mut is_there = false;
    for command in CLIPBOARDS {
        let Some((program, arguments)) = command.split_first() else {
            continue;
        };
        let output = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .output();
        if let Ok(output) = output {
            is_there = true;
            if output.status.success() && !output.stdout.is_empty() {
                return Ok(output.stdout);
            }
        }
    }
    Err(if is_there {
        "there is no image in the clipboard".to_owned()
    } else {
        "the clipboard cannot be read: wl-paste, xclip or pngpaste would do it; /image FILE takes a file"
            .to_owned()
    })
}

/// Waits for the end of a program that has the terminal. Whenever it is stopped (its own Ctrl-Z), this process group stops
/// as well, so that the shell takes over and can continue both.
fn ended(program: &Child) -> std::io::Result<ExitStatus> {
    let pid = i32::try_from(program.id()).ok().and_then(Pid::from_raw);
    loop {
        match waitpid(pid, WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => tty::stop(),
            Ok(Some((_, status))) => return Ok(ExitStatus::from_raw(status.as_raw())),
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn beginning(text: &str) -> String {
    let end = text
        .char_indices()
        .map(|(at, _)| at)
        .find(|at| *at >= OUTPUT);
    match end {
        Some(end) => format!("{}\n…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The files below a directory, but for those that git ignores.
pub(super) fn files(directory: String) -> Owned<Brought> {
    Box::pin(async move {
        let walk = move || {
            let root = PathBuf::from(&directory);
            let entries = ignore::WalkBuilder::new(&root)
                .hidden(false)
                .filter_entry(|entry| entry.file_name() != ".git")
                .build();
            let files = entries
                .flatten()
                .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
            let names = files.filter_map(|entry| {
                let path = entry.path().strip_prefix(&root).ok()?;
                path.to_str().map(str::to_owned)
            });
            names.take(FILES).collect()
        };
        Brought::Msg(Msg::Files(
            tokio::task::spawn_blocking(walk).await.unwrap_or_default(),
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use betcode_core::event::Attachment;

    use super::*;

    struct NoImages;

    impl Images for NoImages {
        fn file(&self, _: &str, _: &str) -> Result<Attachment, String> {
            Err("none".into())
        }

        fn bytes(&self, _: &[u8]) -> Result<Attachment, String> {
            Err("none".into())
        }
    }

    #[test]
    fn what_is_edited_lies_where_nobody_else_can_look() {
        let directory = std::env::temp_dir().join(format!("betcode-edit-{}", uuid::Uuid::now_v7()));
        let outside = Outside {
            editor: [
                "sh",
                "-c",
                "stat -c %a \"$(dirname \"$0\")\" \"$0\" > \"$0.new\"; mv \"$0.new\" \"$0\"",
            ]
            .map(str::to_owned)
            .into(),
            shell: "/bin/sh".to_owned(),
            directory: directory.clone(),
            images: Arc::new(NoImages),
        };
        let edited = outside.edit("a secret");
        let mode = std::fs::metadata(&directory).unwrap().permissions().mode();
        let left = std::fs::read_dir(&directory).unwrap().count();
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(edited.as_deref(), Ok("700\n600\n"));
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(left, 0, "it does not stay");
    }
}
