//! The thread that finds colours: knows the languages, and how far it has come in blocks that grow.

use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::time::Duration;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::{CodeId, Tints, Wake};
use crate::theme::Syntax;

/// Longer lines stay plain: patterns take too long on them.
const LONGEST_LINE: usize = 4096;
/// How long patterns are kept when there is nothing to do.
const IDLE: Duration = Duration::from_secs(3);
/// How many languages are kept.
const LANGUAGES: usize = 3;
/// Those whose patterns take as much as three others: 15 to 30 MB.
const HEAVY: [&str; 15] = [
    "ts",
    "typescript",
    "mts",
    "cts",
    "tsx",
    "js",
    "javascript",
    "mjs",
    "cjs",
    "node",
    "jsx",
    "cpp",
    "c++",
    "sh",
    "bash",
];
/// How many blocks may grow at a time.
const GROWING: usize = 16;

/// Lines to be coloured.
pub(super) struct Job {
    pub(super) id: CodeId,
    pub(super) round: u64,
    pub(super) language: String,
    /// They are the first of their block.
    pub(super) first: bool,
    pub(super) text: String,
    /// There are no more.
    pub(super) last: bool,
}

/// What was found; nothing if the block must be begun anew.
pub(super) struct Found {
    pub(super) id: CodeId,
    pub(super) round: u64,
    pub(super) lines: Option<Lines>,
}

/// The colours of lines, one behind the other in one piece of memory, which is given back at once where it is read: what
/// is kept must not lie between the patterns, or their memory would not be given back to the system.
pub(super) struct Lines(Vec<(u32, Syntax)>);

impl Lines {
    /// So many stretches are larger than what allocators keep for themselves.
    const LEAST: usize = 1024;
    /// Stands behind each line.
    const END: (u32, Syntax) = (u32::MAX, Syntax::Plain);

    fn new() -> Self {
        Self(Vec::with_capacity(Self::LEAST))
    }

    fn push(&mut self, line: &[(u32, Syntax)]) {
        self.0.extend_from_slice(line);
        self.0.push(Self::END);
    }

    /// Each line's, in memory of its own.
    pub(super) fn each(&self) -> impl Iterator<Item = Tints> {
        let lines = self.0.split_inclusive(|part| *part == Self::END);
        lines.map(|line| line.split_last().map_or(&[][..], |(_, line)| line).into())
    }
}

/// Works until there is nobody to work for. The patterns are in the hands of another thread, which ends when there is
/// nothing to do for a while: then their memory goes back to the system. So next to nothing that stays may be allocated by
/// that thread: what it is told and tells goes through places made here, one at a time.
pub(super) fn run(jobs: &Receiver<Job>, found: &Sender<Found>, wake: &Wake) {
    while let Ok(first) = jobs.recv() {
        let (give, given) = sync_channel(1);
        let (tell, told) = sync_channel(1);
        let thread = std::thread::Builder::new().name("patterns".to_owned());
        let Ok(working) = thread.spawn(move || burst(&given, &tell)) else {
            return;
        };
        let mut next = Ok(first);
        while let Ok(job) = next {
            let answer = give.send(job).ok().and_then(|()| told.recv().ok());
            let Some(answer) = answer else { break };
            if found.send(answer).is_err() {
                return;
            }
            wake();
            next = jobs.recv_timeout(IDLE);
        }
        drop(give);
        // Whether it ended well makes no difference: the next job begins another one.
        let _ = working.join();
        give_back();
    }
}

/// Gives the memory of the patterns back to the system. Names that the library keeps for good lie between what is free, so that
/// the allocator does not do it by itself.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "only the allocator knows what is free")]
fn give_back() {
    // SAFETY: it takes no pointer, and touches only what nobody has.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
const fn give_back() {}

/// Works until there are no more jobs.
fn burst(jobs: &Receiver<Job>, found: &SyncSender<Found>) {
    // Colours never keep what is drawn waiting. Only Linux takes this for the thread, not the process.
    #[cfg(target_os = "linux")]
    rustix::process::nice(10).ok();
    let roles = Roles::new();
    let mut growing: Vec<(CodeId, u64, Block)> = Vec::new();
    let mut languages = Languages::load();
    while let Ok(job) = jobs.recv() {
        languages.make_room(&job.language);
        let answer = work(&job, &mut growing, &languages.syntaxes, &roles);
        if found.send(answer).is_err() {
            return;
        }
    }
}

/// Colours the lines of a job.
fn work(
    job: &Job,
    growing: &mut Vec<(CodeId, u64, Block)>,
    syntaxes: &SyntaxSet,
    roles: &Roles,
) -> Found {
    let at = growing
        .iter()
        .position(|(id, round, _)| (*id, *round) == (job.id, job.round));
    let block = match at {
        Some(at) => Some(growing.remove(at).2),
        None if job.first => Some(Block::new(syntaxes, &job.language)),
        None => None,
    };
    let lines = block.map(|mut block| {
        let mut lines = Lines::new();
        for line in job.text.split_inclusive('\n') {
            lines.push(&block.line(line, syntaxes, roles));
        }
        if !job.last {
            growing.truncate(GROWING - 1);
            growing.insert(0, (job.id, job.round, block));
        }
        lines
    });
    Found {
        id: job.id,
        round: job.round,
        lines,
    }
}

/// The languages' patterns. Each that is used takes many megabytes, so they are dropped when there are too many. How far blocks have come stays: it names places in the patterns, which are always the same.
struct Languages {
    syntaxes: SyntaxSet,
    used: Vec<String>,
}

impl Languages {
    fn load() -> Self {
        Self {
            syntaxes: two_face::syntax::extra_newlines(),
            used: Vec::new(),
        }
    }

    fn make_room(&mut self, language: &str) {
        if self.used.iter().any(|used| used == language) {
            return;
        }
        let weight = |language: &str| {
            let is_heavy = HEAVY
                .iter()
                .any(|heavy| heavy.eq_ignore_ascii_case(language));
            if is_heavy { LANGUAGES } else { 1 }
        };
        let used: usize = self.used.iter().map(|used| weight(used)).sum();
        if used + weight(language) > LANGUAGES {
            // What is dropped makes room for what is loaded.
            self.syntaxes = SyntaxSet::new();
            *self = Self::load();
        }
        self.used.push(language.to_owned());
    }
}

/// How far a block has come; nothing if its language is not known.
struct Block(Option<(ParseState, ScopeStack)>);

impl Block {
    fn new(syntaxes: &SyntaxSet, language: &str) -> Self {
        let syntax = find(syntaxes, language);
        Self(syntax.map(|syntax| (ParseState::new(syntax), ScopeStack::new())))
    }

    fn line(&mut self, line: &str, syntaxes: &SyntaxSet, roles: &Roles) -> Vec<(u32, Syntax)> {
        let Some((state, stack)) = &mut self.0 else {
            return Vec::new();
        };
        if line.len() > LONGEST_LINE {
            return Vec::new();
        }
        let Ok(changes) = state.parse_line(line, syntaxes) else {
            self.0 = None;
            return Vec::new();
        };
        let mut tints: Vec<(u32, Syntax)> = Vec::new();
        let mut from = 0;
        let end = line.trim_end_matches('\n').len();
        let ends = [end];
        let places = changes.iter().map(|(at, _)| (*at).min(end)).chain(ends);
        let changes = changes.iter().map(|(_, change)| Some(change)).chain([None]);
        for (at, change) in places.zip(changes) {
            if at > from {
                let what = roles.of(stack);
                let bytes = u32::try_from(at - from).unwrap_or(u32::MAX);
                match tints.last_mut() {
                    Some((last, role)) if *role == what => *last += bytes,
                    _ => tints.push((bytes, what)),
                }
                from = at;
            }
            if let Some(change) = change
                && stack.apply(change).is_err()
            {
                self.0 = None;
                return Vec::new();
            }
        }
        if tints.iter().all(|(_, what)| *what == Syntax::Plain) {
            return Vec::new();
        }
        tints
    }
}

/// The language of a name or an extension.
fn find<'a>(syntaxes: &'a SyntaxSet, language: &str) -> Option<&'a SyntaxReference> {
    let name = language.to_ascii_lowercase();
    let name = match name.as_str() {
        "shell" | "console" | "shell-session" | "terminal" | "zsh" => "sh",
        "golang" => "go",
        "jsonc" | "json5" | "jsonl" | "ndjson" => "json",
        "patch" => "diff",
        "docker" => "dockerfile",
        "node" | "mjs" | "cjs" => "js",
        "mts" | "cts" => "ts",
        "py3" | "python3" => "py",
        name => name,
    };
    let syntax = syntaxes.find_syntax_by_token(name)?;
    (syntax.name != "Plain Text").then_some(syntax)
}

/// What scopes are.
struct Roles(Vec<(Scope, Syntax)>);

impl Roles {
    fn new() -> Self {
        let table = [
            ("comment", Syntax::Comment),
            ("constant.character.escape", Syntax::Constant),
            ("string", Syntax::Text),
            ("constant", Syntax::Constant),
            ("keyword.operator", Syntax::Plain),
            ("keyword", Syntax::Keyword),
            ("storage", Syntax::Keyword),
            ("variable.language", Syntax::Keyword),
            ("variable.function", Syntax::Function),
            ("entity.name.function", Syntax::Function),
            ("support.function", Syntax::Function),
            ("support.macro", Syntax::Function),
            ("support.type.property-name", Syntax::Name),
            ("support.type", Syntax::Type),
            ("support.class", Syntax::Type),
            ("entity.name.tag", Syntax::Name),
            ("entity.other.attribute-name", Syntax::Name),
            ("entity.name.section", Syntax::Keyword),
            ("entity.name", Syntax::Type),
            ("markup.heading", Syntax::Keyword),
            ("markup.inserted", Syntax::Inserted),
            ("markup.deleted", Syntax::Deleted),
        ];
        let scopes = table
            .into_iter()
            .filter_map(|(name, role)| Some((Scope::new(name).ok()?, role)));
        Self(scopes.collect())
    }

    /// The innermost scope that is something decides.
    fn of(&self, stack: &ScopeStack) -> Syntax {
        let innermost_first = stack.as_slice().iter().rev();
        let mut roles = innermost_first.filter_map(|scope| {
            let role = self.0.iter().find(|(role, _)| role.is_prefix_of(*scope));
            role.map(|(_, role)| *role)
        });
        roles.next().unwrap_or_default()
    }
}
