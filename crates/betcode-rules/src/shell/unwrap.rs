//! Commands that run commands: `sudo rm`, `env A=b make`, `sh -c '…'`, `find … -exec`. Each keeps its own words and gets what
//! it runs as inner commands.
//!
//! An option of a wrapper that is not known is trouble: it is then not known where the inner command begins.

use super::git::Git;
use super::programs::{self, base_name, is_standard};
use super::wrappers::{SHELLS, WRAPPERS, Wrapper};
use super::{
    Assignment, Script, Simple, Trouble, UNKNOWN, Word, hidden, launch, operands, parse, scripts,
};

/// Looks into every command of a script.
pub(super) fn unwrap(mut script: Script, depth: usize) -> Result<Script, Trouble> {
    let commands = std::mem::take(&mut script.commands);
    for command in commands {
        let command = simple(command, &mut script, depth)?;
        script.commands.push(command);
    }
    Ok(script)
}

pub(super) fn trouble(what: impl Into<String>) -> Trouble {
    Trouble::new(what, 0)
}

/// Looks into one command.
pub(super) fn simple(
    mut command: Simple,
    script: &mut Script,
    depth: usize,
) -> Result<Simple, Trouble> {
    if depth > super::MAX_DEPTH {
        return Err(trouble("it is nested too deeply"));
    }
    let Some(first) = command.words.first().cloned() else {
        return Ok(command);
    };
    if !first.text.is_ascii() {
        return Err(trouble(
            "the name of a program holds letters that look like others",
        ));
    }
    if !first.is_known() {
        // It may be anything, `cd` too.
        script.moves += 1;
        return Ok(command);
    }
    let name = base_name(&first.text).to_owned();
    if programs::redefines(&name, &command.words) {
        return Err(trouble(format!(
            "what `{name}` runs or stands for is not known"
        )));
    }
    if matches!(name.as_str(), "." | "source")
        && command
            .words
            .get(1)
            .is_some_and(|word| word.text == UNKNOWN.to_string())
    {
        return Err(trouble("a script for a shell is not known"));
    }
    if programs::calculates(&name, &command.words) {
        return Err(trouble(format!(
            "`{name}` can run what stands in a variable"
        )));
    }
    script
        .assignments
        .extend(programs::exported(&name, &command.words));
    if matches!(name.as_str(), "cd" | "pushd" | "popd" | "chdir") {
        script.moves += 1;
    }
    let named = match name.as_str() {
        "git" => {
            let git = Git::new(&command.words);
            git.files(&mut script.files);
            command.guard = git.guard();
            false
        }
        "tar" => {
            script.moves += usize::from(programs::tar_moves(&command.words));
            false
        }
        "find" | "gfind" => find(&mut command, script, depth)?,
        "fd" | "fdfind" => fd(&mut command, script, depth)?,
        "eval" => {
            let second = command.words.get(1).map(|word| word.text.as_str());
            let options = second.is_some_and(|word| word.starts_with('-'));
            if options && second != Some("--") {
                return Err(trouble("the options of `eval` are not known"));
            }
            joined(&mut command, 1 + usize::from(options), script, depth)?
        }
        "trap" => trap(&mut command, script, depth)?,
        "watch" => watch(&mut command, script, depth)?,
        "alias" => alias(&mut command, script, depth)?,
        "env" if splits(&command.words) => return Err(trouble("`env -S` is not understood")),
        "command"
            if command
                .words
                .get(1)
                .is_some_and(|word| matches!(word.text.as_str(), "-v" | "-V")) =>
        {
            false
        }
        "su" | "parallel" | "script" if command.words.len() > 1 => {
            return Err(trouble(format!("what `{name}` runs is not known")));
        }
        shell if SHELLS.contains(&shell) => shell_script(&mut command, script, depth)?,
        wrapper => match WRAPPERS.iter().find(|known| known.names.contains(&wrapper)) {
            Some(known) => wrapped(&mut command, known, script, depth)?,
            None => launch::launched(&mut command, &name, script, depth)?,
        },
    };
    command.transparent &=
        is_standard(&first.text) && command.assignments.iter().all(Assignment::is_harmless);
    if !named && let Some(place) = programs::starter(&name, &command.words) {
        command.guard = Some((place, "an option of it starts another program"));
    }
    if let Some(place) = scripts::guard(&name, &command.words) {
        command.guard = Some((place, "its script can run programs or write files"));
    }
    hidden::add(&mut command, &name, script, depth);
    if !operands::files(&command, &mut script.files) {
        return Err(trouble("it names too many files"));
    }
    Ok(command)
}

/// `env -S 'a b'`: the words of one word.
fn splits(words: &[Word]) -> bool {
    words
        .iter()
        .skip(1)
        .take_while(|word| word.text.starts_with('-') || word.text.contains('='))
        .any(|word| {
            word.text.starts_with("--s")
                || (!word.text.starts_with("--")
                    && word.text.starts_with('-')
                    && word.text.contains('S'))
        })
}

/// What stands in front of the command that a wrapper runs.
struct Front {
    /// Where the inner command begins.
    at: usize,
    assignments: Vec<Assignment>,
    /// What the inner command has in place of an argument.
    replaced: Option<String>,
}

fn front(command: &Simple, wrapper: &Wrapper, script: &mut Script) -> Result<Front, Trouble> {
    let name = command
        .words
        .first()
        .map(|word| base_name(&word.text).to_owned())
        .unwrap_or_default();
    let mut assignments = Vec::new();
    let mut replaced: Option<String> = None;
    let mut at = 1;
    while let Some(word) = command.words.get(at) {
        let text = word.text.as_str();
        if !word.is_known() {
            return Err(trouble(format!("what `{name}` runs is not known")));
        }
        if text == "--" {
            at += 1;
            break;
        }
        if let Some((variable, value)) = text
            .split_once('=')
            .filter(|(variable, _)| wrapper.assignments && parse::is_name(variable))
        {
            assignments.push(Assignment {
                name: variable.to_owned(),
                value: Word {
                    text: value.to_owned(),
                    ..word.clone()
                },
                runs: value.contains(UNKNOWN),
            });
            at += 1;
            continue;
        }
        if !text.starts_with('-') || text == "-" {
            break;
        }
        let option = text.split('=').next().unwrap_or(text);
        let letters = text.get(1..).unwrap_or_default();
        if matches!(option, "-C" | "--chdir" | "-D" | "-R" | "--chroot") {
            script.moves += 1;
        }
        if wrapper.valued.contains(&text) {
            if text == "-I" || text == "-J" || text == "--replace" {
                replaced = command.words.get(at + 1).map(|word| word.text.clone());
            }
            at += 2;
        } else if wrapper.valued.contains(&option) && text.starts_with("--") {
            if option == "--replace" {
                replaced = text.split_once('=').map(|(_, value)| value.to_owned());
            }
            at += 1;
        } else if wrapper.long.contains(&option)
            || (!letters.is_empty()
                && letters
                    .chars()
                    .all(|letter| wrapper.letters.contains(letter)))
        {
            at += 1;
        } else if !text.starts_with("--")
            && wrapper
                .valued
                .iter()
                .any(|valued| valued.len() == 2 && text.starts_with(valued))
        {
            if text.starts_with("-I") {
                replaced = text.get(2..).map(str::to_owned);
            }
            at += 1;
        } else {
            return Err(trouble(format!(
                "the option `{text}` of `{name}` is not known"
            )));
        }
    }
    for _ in 0..wrapper.operands {
        if let Some(word) = command.words.get(at) {
            if !word.is_known() || word.text.starts_with('-') {
                return Err(trouble(format!("what `{name}` runs is not known")));
            }
            at += 1;
        }
    }
    // What is not known may become several words, and then another one is the program.
    if !command.words.iter().take(at).all(Word::is_known) {
        return Err(trouble(format!("what `{name}` runs is not known")));
    }
    Ok(Front {
        at,
        assignments,
        replaced,
    })
}

fn wrapped(
    command: &mut Simple,
    wrapper: &Wrapper,
    script: &mut Script,
    depth: usize,
) -> Result<bool, Trouble> {
    let name = command
        .words
        .first()
        .map(|word| base_name(&word.text).to_owned())
        .unwrap_or_default();
    let xargs = name.ends_with("xargs");
    let Front {
        at,
        assignments,
        replaced,
    } = front(command, wrapper, script)?;
    let mut words: Vec<Word> = command.words.get(at..).unwrap_or_default().to_vec();
    if words.is_empty() {
        if !xargs {
            // Alone it runs nothing: `env` shows the environment, `exec` only redirects.
            return Ok(false);
        }
        words.push(Word::literal("echo"));
    }
    if xargs {
        match replaced.filter(|replaced| !replaced.is_empty()) {
            Some(replaced) => replace(&mut words, &replaced),
            None => words.push(Word::literal(UNKNOWN)),
        }
    }
    let inner = Simple {
        words,
        assignments,
        ..Simple::default()
    };
    let inner = simple(inner, script, depth + 1)?;
    if inner
        .words
        .first()
        .is_some_and(|word| word.text.starts_with('-') && word.text != "-")
    {
        return Err(trouble(format!("what `{name}` runs is not known")));
    }
    command.covers = reach(&inner)
        .filter(|_| inner.assignments.is_empty())
        .map(|reach| at + reach);
    command.transparent = wrapper.transparent;
    command.inner.push(inner);
    Ok(true)
}

/// How many words of a command have to be spelled out so that nothing else runs.
fn reach(command: &Simple) -> Option<usize> {
    let guarded = command.guard.map_or(1, |(words, _)| words);
    if command.inner.is_empty() {
        Some(guarded)
    } else {
        command.covers.map(|covers| covers.max(guarded))
    }
}

fn replace(words: &mut [Word], placeholder: &str) {
    for word in words {
        if word.text.contains(placeholder) {
            word.text = word.text.replace(placeholder, &UNKNOWN.to_string());
        }
    }
}

/// Parses text that a command hands to a shell.
pub(super) fn inner_script(
    command: &mut Simple,
    text: &str,
    script: &mut Script,
    depth: usize,
) -> Result<(), Trouble> {
    if text.contains(UNKNOWN) {
        return Err(trouble("a script for a shell is not known"));
    }
    let inner = unwrap(parse::script(text, depth + 1)?, depth + 1)?;
    script.files.extend(inner.files);
    // Variables of another shell do not change this one, but what runs in it they do.
    script.assignments.extend(inner.assignments);
    script.moves += inner.moves;
    script.repeats |= inner.repeats;
    command.inner.extend(inner.commands);
    command.covers = Some(command.words.len());
    Ok(())
}

fn joined(
    command: &mut Simple,
    from: usize,
    script: &mut Script,
    depth: usize,
) -> Result<bool, Trouble> {
    let words: Vec<&str> = command
        .words
        .iter()
        .skip(from)
        .map(|word| word.text.as_str())
        .collect();
    let text = words.join(" ");
    inner_script(command, &text, script, depth)?;
    command.transparent = true;
    Ok(true)
}

fn shell_script(command: &mut Simple, script: &mut Script, depth: usize) -> Result<bool, Trouble> {
    let mut runs_text = false;
    let mut at = 1;
    while let Some(word) = command.words.get(at) {
        let text = word.text.as_str();
        if !word.is_known() {
            return Err(trouble("what a shell runs is not known"));
        }
        if text == "--" || text == "-" {
            at += 1;
            break;
        }
        if !text.starts_with(['-', '+']) {
            break;
        }
        if text.starts_with("--") {
            if !matches!(
                text,
                "--norc" | "--noprofile" | "--posix" | "--login" | "--version" | "--help"
            ) {
                return Err(trouble(format!(
                    "the option `{text}` of a shell is not known"
                )));
            }
            at += 1;
            continue;
        }
        if text.starts_with('-') && text.contains('s') {
            return Err(trouble("what a shell reads and runs is not known"));
        }
        runs_text |= text.contains('c');
        at += if text.ends_with(['o', 'O']) { 2 } else { 1 };
    }
    if !runs_text {
        let told = command
            .words
            .iter()
            .skip(1)
            .any(|word| matches!(word.text.as_str(), "--version" | "--help"));
        if at >= command.words.len() && !told {
            return Err(trouble("what a shell reads and runs is not known"));
        }
        return Ok(false);
    }
    let Some(text) = command.words.get(at).map(|word| word.text.clone()) else {
        return Err(trouble("a script for a shell is missing"));
    };
    if !command.words.iter().take(at).all(Word::is_known) {
        return Err(trouble("what a shell runs is not known"));
    }
    inner_script(command, &text, script, depth)?;
    command.transparent = true;
    Ok(true)
}

fn trap(command: &mut Simple, script: &mut Script, depth: usize) -> Result<bool, Trouble> {
    let operand = command
        .words
        .iter()
        .skip(1)
        .find(|word| word.text == "-" || !word.text.starts_with('-'));
    let Some(text) = operand
        .map(|word| word.text.clone())
        .filter(|text| text != "-" && command.words.len() > 2)
    else {
        return Ok(false);
    };
    inner_script(command, &text, script, depth)?;
    Ok(true)
}

fn alias(command: &mut Simple, script: &mut Script, depth: usize) -> Result<bool, Trouble> {
    let values: Vec<String> = command
        .words
        .iter()
        .skip(1)
        .filter_map(|word| Some(word.text.split_once('=')?.1.to_owned()))
        .collect();
    for value in values {
        inner_script(command, &value, script, depth)?;
    }
    Ok(true)
}

fn watch(command: &mut Simple, script: &mut Script, depth: usize) -> Result<bool, Trouble> {
    let mut at = 1;
    while let Some(word) = command
        .words
        .get(at)
        .filter(|word| word.text.starts_with('-'))
    {
        at += match word.text.as_str() {
            "-n" | "--interval" | "-q" | "--equexit" => 2,
            "-d" | "-t" | "-b" | "-e" | "-g" | "-c" | "-p" | "-x" | "-w" | "--color"
            | "--no-title" | "--differences" | "--exec" => 1,
            text if text.starts_with("-n") || text.starts_with("--interval=") => 1,
            text => {
                return Err(trouble(format!(
                    "the option `{text}` of `watch` is not known"
                )));
            }
        };
    }
    if !command.words.iter().take(at).all(Word::is_known) {
        return Err(trouble("what `watch` runs is not known"));
    }
    joined(command, at, script, depth)?;
    command.transparent = false;
    Ok(true)
}

fn find(command: &mut Simple, script: &mut Script, depth: usize) -> Result<bool, Trouble> {
    let words = std::mem::take(&mut command.words);
    let mut rest = words.iter().enumerate().skip(1);
    let mut runs = false;
    while let Some((at, word)) = rest.next() {
        match word.text.as_str() {
            option @ ("-exec" | "-execdir" | "-ok" | "-okdir") => {
                script.moves += usize::from(option.ends_with("dir"));
                let mut inner = Vec::new();
                for (_, word) in rest.by_ref() {
                    if word.text == ";" || (word.text == "+" && !inner.is_empty()) {
                        break;
                    }
                    inner.push(word.clone());
                }
                replace(&mut inner, "{}");
                if inner.is_empty() {
                    return Err(trouble("what `find` runs is not known"));
                }
                let inner = simple(
                    Simple {
                        words: inner,
                        ..Simple::default()
                    },
                    script,
                    depth + 1,
                )?;
                command.inner.push(inner);
                runs = true;
            }
            "-delete" => {
                let starts = words.iter().skip(1);
                let starts = starts.take_while(|word| !word.text.starts_with(['-', '(', '!']));
                script.files.extend(starts.map(|start| super::File {
                    name: start.clone(),
                    access: super::Access::Edit,
                    own_part: false,
                    whole: true,
                }));
                let words = vec![Word::literal("rm"), Word::literal(UNKNOWN)];
                command.inner.push(Simple {
                    words,
                    ..Simple::default()
                });
                runs = true;
            }
            "-fprint" | "-fprint0" | "-fprintf" | "-fls" => {
                if let Some(name) = words.get(at + 1) {
                    script.files.push(super::File {
                        name: name.clone(),
                        access: super::Access::Edit,
                        own_part: true,
                        whole: false,
                    });
                }
            }
            _ if !word.is_known() => {
                // An option may hide in it.
                command.guard = Some((at + 1, "an argument of `find` is not known"));
            }
            _ => {}
        }
    }
    command.covers = runs.then_some(words.len());
    command.words = words;
    Ok(true)
}

fn fd(command: &mut Simple, script: &mut Script, depth: usize) -> Result<bool, Trouble> {
    let starts = |word: &Word| {
        ["--exec", "--exec-batch"]
            .iter()
            .any(|option| programs::is_option(&word.text, option))
            || (word.text.starts_with('-')
                && !word.text.starts_with("--")
                && word.text.contains(['x', 'X']))
    };
    let Some(at) = command.words.iter().skip(1).position(starts) else {
        return Ok(false);
    };
    let mut inner: Vec<Word> = command.words.get(at + 2..).unwrap_or_default().to_vec();
    for placeholder in ["{}", "{/}", "{//}", "{.}", "{/.}"] {
        replace(&mut inner, placeholder);
    }
    inner.push(Word::literal(UNKNOWN));
    if inner.len() < 2
        || command
            .words
            .get(at + 1)
            .is_some_and(|word| word.text.len() > 2 && !word.text.starts_with("--"))
    {
        return Err(trouble("what `fd` runs is not known"));
    }
    let inner = simple(
        Simple {
            words: inner,
            ..Simple::default()
        },
        script,
        depth + 1,
    )?;
    command.inner.push(inner);
    command.covers = Some(command.words.len());
    Ok(true)
}
