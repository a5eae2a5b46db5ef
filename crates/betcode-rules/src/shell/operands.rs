//! The files that a program's operands and options name, and what is done with them.
//!
//! The lists cannot be complete. What a program does with a name that they do not know counts as a mention: a rule that
//! denies may be about it, and no rule that allows.

use super::programs::{base_name, is_option};
use super::{Access, File, Simple, UNKNOWN, Word};

/// Programs whose operands are created, changed or removed.
const WRITERS: &[&str] = &[
    "rm", "rmdir", "unlink", "shred", "touch", "mkdir", "truncate", "tee", "chmod", "chown",
    "chgrp", "mv", "cp", "ln", "install", "rsync", "dd", "patch", "mkfifo", "mknod", "setfacl",
    "chattr", "sponge", "trash",
];

/// Programs whose operands are read.
const READERS: &[&str] = &[
    ".",
    "awk",
    "base32",
    "base64",
    "basename",
    "bat",
    "cat",
    "cd",
    "cksum",
    "cmp",
    "column",
    "comm",
    "cut",
    "diff",
    "dirname",
    "du",
    "egrep",
    "fgrep",
    "file",
    "find",
    "fold",
    "grep",
    "head",
    "hexdump",
    "jq",
    "less",
    "ls",
    "md5sum",
    "more",
    "nl",
    "od",
    "paste",
    "pushd",
    "readlink",
    "realpath",
    "rev",
    "rg",
    "sed",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "sort",
    "source",
    "stat",
    "strings",
    "tac",
    "tail",
    "test",
    "tr",
    "tree",
    "uniq",
    "wc",
    "xxd",
    "yq",
    "zcat",
    "[",
];

/// How many files of a command are looked at; one that names more is not understood.
const MOST_FILES: usize = 4000;

/// Adds the files that a command names. False when there are too many.
pub(super) fn files(simple: &Simple, files: &mut Vec<File>) -> bool {
    let Some(first) = simple.words.first() else {
        return true;
    };
    let name = base_name(&first.text);
    let in_place = (name == "sed")
        && simple.words.iter().any(|word| {
            is_option(&word.text, "--in-place")
                || (word.text.starts_with('-')
                    && !word.text.starts_with("--")
                    && word.text.contains('i'))
        })
        || name == "yq"
            && simple
                .words
                .iter()
                .any(|word| matches!(word.text.as_str(), "-i" | "--inplace" | "--in-place"));
    if let Some((_, letters, long)) = WRITING.iter().find(|(program, ..)| *program == name) {
        written(
            simple.words.get(1..).unwrap_or_default(),
            letters,
            long,
            files,
        );
    }
    let writes = in_place || WRITERS.contains(&name);
    let reads =
        READERS.contains(&name) || matches!(name, "cp" | "mv" | "rsync" | "dd" | "install" | "ln");
    let scripts = scripts_of(name, &simple.words);
    let mentioned = if name == "git" && super::git::only_reads(&simple.words) {
        Access::Read
    } else {
        Access::Mention
    };
    let add = |files: &mut Vec<File>, name: Word, access, own_part| {
        files.push(File {
            name,
            access,
            own_part,
            whole: false,
        });
    };
    for (at, word) in simple.words.iter().enumerate().skip(1) {
        if scripts.contains(&at) {
            continue;
        }
        if word.text.starts_with('-') || (name == "dd" && word.text.contains('=')) {
            option(name, word, writes, mentioned, files);
            continue;
        }
        if let Some(path) = word.text.strip_prefix("file://") {
            // The name of this machine may stand in front.
            let path = path.get(path.find('/').unwrap_or(0)..).unwrap_or_default();
            add(files, Word::literal(path), Access::Mention, false);
            continue;
        }
        if name == "git"
            && let Some(described) = super::git::described(&word.text)
        {
            add(files, Word::literal(described), mentioned, false);
        }
        if word.text.is_empty() || word.text.contains("://") {
            continue;
        }
        if writes {
            add(files, word.clone(), Access::Edit, name == "tee" || in_place);
        }
        if reads {
            add(files, word.clone(), Access::Read, false);
        }
        if !writes && !reads {
            if word.text.contains('/') || word.text.starts_with(['.', '~']) {
                add(files, word.clone(), mentioned, false);
            }
            pieces(word, mentioned, files);
        }
    }
    moved(name, &simple.words, files);
    files.len() <= MOST_FILES
}

/// What is moved, copied or removed with everything in it, and where it ends up.
fn moved(program: &str, words: &[Word], files: &mut Vec<File>) {
    let has = |letters: &[char], long: &[&str]| {
        words.iter().skip(1).any(|word| {
            let text = word.text.as_str();
            long.iter().any(|option| is_option(text, option))
                || (text.starts_with('-') && !text.starts_with("--") && text.contains(letters))
        })
    };
    let deep = match program {
        "mv" | "ln" | "trash" => true,
        "rm" | "cp" | "rsync" | "chmod" | "chown" | "chgrp" => {
            has(&['r', 'R', 'a'], &["--recursive", "--archive"])
        }
        _ => false,
    };
    let mut add = |name: Word| {
        files.push(File {
            name,
            access: Access::Edit,
            own_part: false,
            whole: deep,
        });
    };
    let operands: Vec<&Word> = words
        .iter()
        .skip(1)
        .filter(|word| !word.text.starts_with('-') && !word.text.is_empty())
        .collect();
    if deep {
        let removed = if matches!(program, "cp" | "rsync" | "ln") {
            operands.len().saturating_sub(1)
        } else {
            0
        };
        operands
            .iter()
            .skip(removed)
            .for_each(|word| add((*word).clone()));
    }
    if !matches!(program, "mv" | "cp" | "ln" | "install" | "rsync") {
        return;
    }
    // Into a directory they go under their own names. Which operand is the directory depends on the options.
    let last = operands.last().copied().cloned();
    let target = words.iter().enumerate().find_map(|(at, word)| {
        let text = word.text.as_str();
        let next = || words.get(at + 1).cloned();
        if at > 0 && is_option(text, "--target-directory") {
            return match text.split_once('=') {
                Some((_, value)) => Some(Word::literal(value)),
                None => next(),
            };
        }
        let attached = text.strip_prefix("-t")?;
        if attached.is_empty() {
            next()
        } else {
            Some(Word::literal(attached))
        }
    });
    for directory in target.into_iter().chain(last) {
        for source in &operands {
            let name = base_name(source.text.trim_end_matches('/'));
            if !name.is_empty() && source.text != directory.text {
                add(Word {
                    text: format!("{}/{name}", directory.text.trim_end_matches('/')),
                    ..directory.clone()
                });
            }
        }
    }
}

/// Adds the names of files that an option may hold. Where its letters end is not known.
fn option(program: &str, word: &Word, writes: bool, mentioned: Access, files: &mut Vec<File>) {
    let text = word.text.as_str();
    let mut add = |name: &str, access: Access| {
        files.push(File {
            name: Word {
                tilde: name.starts_with('~'),
                ..Word::literal(name)
            },
            access,
            own_part: false,
            whole: false,
        });
    };
    let value = text.split_once('=').filter(|(_, value)| !value.is_empty());
    if let Some((key, value)) = value {
        let name = value.strip_prefix('@').unwrap_or(value);
        if program == "dd" && key == "if" {
            add(name, Access::Read);
        } else if program == "dd"
            || writes && (value.contains('/') || value.starts_with(['.', '~', '@']))
        {
            add(name, Access::Edit);
        } else {
            add(name, mentioned);
        }
    }
    if text.starts_with('-') && !text.starts_with("--") {
        for (at, _) in text.char_indices().skip(2).take(MOST_LETTERS) {
            let name = text.get(at..).unwrap_or_default();
            if name.len() > 1 {
                add(name, mentioned);
            }
            if !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
                break;
            }
        }
    }
    pieces(word, mentioned, files);
}

/// Most letters of options in front of a value in one word.
const MOST_LETTERS: usize = 6;

/// Adds names that begin behind other text: `user:file`, `@file`, `name=@file`, `/here:/there`.
fn pieces(word: &Word, access: Access, files: &mut Vec<File>) {
    let text = word.text.as_str();
    let cuts = text.match_indices([':', '@', '=', ',']).take(MOST_CUTS);
    let mut begin = 0;
    for end in cuts.map(|(cut, _)| cut).chain([text.len()]) {
        let piece = text.get(begin..end).unwrap_or_default();
        let whole = begin == 0 && end == text.len();
        let option = text.starts_with('-');
        if !whole && piece.len() > 1 && (!option || begin > 0) {
            files.push(File {
                name: Word {
                    tilde: piece.starts_with('~') && !word.quoted,
                    ..Word::literal(piece)
                },
                access,
                own_part: false,
                whole: false,
            });
        }
        begin = end + 1;
    }
}

/// Most places at which one word is cut.
const MOST_CUTS: usize = 16;

/// Options whose value is a file that is written: program, letters, long options.
const WRITING: &[(&str, &str, &[&str])] = &[
    ("sort", "o", &["--output"]),
    ("shuf", "o", &["--output"]),
    (
        "curl",
        "ocD",
        &[
            "--output",
            "--output-dir",
            "--cookie-jar",
            "--dump-header",
            "--trace",
            "--trace-ascii",
            "--stderr",
        ],
    ),
    (
        "wget",
        "OoaP",
        &[
            "--output-document",
            "--output-file",
            "--append-output",
            "--directory-prefix",
        ],
    ),
    ("tree", "o", &[]),
    ("iconv", "o", &["--output"]),
    ("diff", "", &["--output"]),
    ("less", "oO", &["--log-file", "--LOG-FILE"]),
    ("tcpdump", "w", &[]),
    ("xmllint", "", &["--output"]),
];

/// Adds the files that options name to be written, each with a need for a permission of its own.
pub(super) fn written(words: &[Word], letters: &str, long: &[&str], files: &mut Vec<File>) {
    for (at, word) in words.iter().enumerate() {
        let text = word.text.as_str();
        if text == "--" {
            return;
        }
        let value = if text.starts_with("--") {
            if !long.iter().any(|option| is_option(text, option)) {
                continue;
            }
            text.split_once('=').map(|(_, value)| value)
        } else if text.starts_with('-') {
            let Some(letter) = text.find(|letter| letters.contains(letter)) else {
                continue;
            };
            text.get(letter + 1..).filter(|value| !value.is_empty())
        } else {
            continue;
        };
        let name = match value {
            Some(value) => Word::literal(value),
            None => match words.get(at + 1) {
                Some(next) => next.clone(),
                None => continue,
            },
        };
        if name.text != "-" && !super::redirect::NOWHERE.contains(&name.text.as_str()) {
            files.push(File {
                name,
                access: Access::Edit,
                own_part: true,
                whole: false,
            });
        }
    }
}

/// Where the words stand that are patterns or scripts and no files.
fn scripts_of(name: &str, words: &[Word]) -> Vec<usize> {
    if !matches!(name, "sed" | "gsed") {
        return pattern(name, words).into_iter().collect();
    }
    // What begins with something unknown may be an option with a script, and then the first operand is a file.
    if words.iter().any(|word| word.text.starts_with(UNKNOWN)) {
        return Vec::new();
    }
    let scripts = super::scripts::sed_scripts(words).unwrap_or_default();
    let places = scripts.into_iter().map(|(at, _)| at);
    places
        .filter(|at| {
            words.get(*at).is_some_and(|word| {
                !word.text.starts_with('-')
                    || at
                        .checked_sub(1)
                        .and_then(|at| words.get(at))
                        .is_some_and(|word| word.text.starts_with('-'))
            })
        })
        .collect()
}

/// Where the word stands that is a pattern or a script and no file.
pub(crate) fn pattern_place(command: &Simple) -> Option<usize> {
    let first = command.words.first()?;
    pattern(base_name(&first.text), &command.words)
}

/// Where the first operand stands that is a pattern or a script and no file.
fn pattern(name: &str, words: &[Word]) -> Option<usize> {
    let (letters, long): (&[char], &[&str]) = match name {
        "grep" | "egrep" | "fgrep" => (&['e', 'f'], &["--regexp", "--file"]),
        "rg" => (&['e', 'f'], &["--regexp", "--file", "--files"]),
        "sed" => (&['e', 'f'], &["--expression", "--file"]),
        "jq" | "yq" => (&['f'], &["--from-file"]),
        "awk" | "gawk" | "mawk" => (
            &['f', 'E', 'i', 'l', 'e'],
            &["--file", "--exec", "--include", "--load", "--source"],
        ),
        _ => return None,
    };
    let given = words.iter().skip(1).any(|word| {
        let text = word.text.as_str();
        let option = text.split('=').next().unwrap_or(text);
        if text.starts_with("--") {
            text.len() > 2 && long.iter().any(|long| long.starts_with(option))
        } else {
            !word.is_known() || (text.starts_with('-') && text.contains(letters))
        }
    });
    if given {
        return None;
    }
    let first = words
        .iter()
        .skip(1)
        .position(|word| !word.text.starts_with('-'));
    first.map(|first| first + 1)
}
