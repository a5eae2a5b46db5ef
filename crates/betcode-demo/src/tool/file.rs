//! The tools `Edit` and `Write`: a real change of a file, and the structured patch of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

const CURRENT: &str = "(file state is current in your context — no need to Read it back)";

/// A change that was made: what the model is told, and the details.
pub(crate) struct Changed {
    pub(crate) content: String,
    pub(crate) detail: Value,
}

/// Runs `Edit`: replaces `old_string`, which must occur exactly once, by `new_string`.
pub(crate) fn edit(directory: &Path, input: &Value) -> Result<Changed, String> {
    let text = |key: &str| input.get(key).and_then(Value::as_str).unwrap_or_default();
    let path = resolve(directory, text("file_path"));
    let (old, new) = (text("old_string"), text("new_string"));
    let original = fs::read_to_string(&path).map_err(|error| reason(&path, &error))?;
    match original.matches(old).count() {
        1 => {}
        0 => {
            return Err(format!(
                "String to replace not found in file.\nString: {old}"
            ));
        }
        count => {
            return Err(format!(
                "Found {count} matches of the string to replace, but replace_all is false.\nString: {old}"
            ));
        }
    }
    let changed = original.replacen(old, new, 1);
    fs::write(&path, &changed).map_err(|error| reason(&path, &error))?;
    Ok(Changed {
        content: format!(
            "The file {} has been updated successfully. {CURRENT}",
            path.display()
        ),
        detail: json!({
            "filePath": path.to_string_lossy(),
            "oldString": old,
            "newString": new,
            "originalFile": original,
            "structuredPatch": patch(&original, &changed),
            "userModified": false,
            "replaceAll": false,
        }),
    })
}

/// Runs `Write`: makes the file, or replaces its content.
pub(crate) fn write(directory: &Path, input: &Value) -> Result<Changed, String> {
    let text = |key: &str| input.get(key).and_then(Value::as_str).unwrap_or_default();
    let path = resolve(directory, text("file_path"));
    let content = text("content");
    let original = fs::read_to_string(&path).ok();
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| reason(&path, &error))?;
    }
    fs::write(&path, content).map_err(|error| reason(&path, &error))?;
    let shown = path.display();
    let (kind, said, hunks) = match &original {
        Some(original) => (
            "update",
            format!("The file {shown} has been updated successfully. {CURRENT}"),
            patch(original, content),
        ),
        None => (
            "create",
            format!("File created successfully at: {shown} {CURRENT}"),
            json!([]),
        ),
    };
    Ok(Changed {
        content: said,
        detail: json!({
            "type": kind,
            "filePath": path.to_string_lossy(),
            "content": content,
            "structuredPatch": hunks,
            "originalFile": original,
            "userModified": false,
        }),
    })
}

/// The file that a relative or absolute path names.
pub(crate) fn resolve(directory: &Path, path: &str) -> PathBuf {
    directory.join(path)
}

fn reason(path: &Path, error: &std::io::Error) -> String {
    format!("cannot change {}: {error}", path.display())
}

/// The hunks of a change with three lines of context, as `Edit` reports them.
fn patch(old: &str, new: &str) -> Value {
    let diff = TextDiff::from_lines(old, new);
    let hunks = diff.grouped_ops(3).into_iter().filter_map(|group| {
        let (first, last) = (group.first()?, group.last()?);
        let old_range = first.old_range().start..last.old_range().end;
        let new_range = first.new_range().start..last.new_range().end;
        let mut lines = Vec::new();
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            let text = change.value().strip_suffix('\n');
            lines.push(format!("{sign}{}", text.unwrap_or_else(|| change.value())));
            if text.is_none() {
                lines.push("\\ No newline at end of file".to_owned());
            }
        }
        Some(json!({
            "oldStart": old_range.start + 1,
            "oldLines": old_range.len(),
            "newStart": new_range.start + 1,
            "newLines": new_range.len(),
            "lines": lines,
        }))
    });
    Value::Array(hunks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_the_one_that_the_real_program_reported() {
        let old = "# Demo\nhello world\nthird line\n";
        let new = "# Demo\ngoodbye world\nthird line\n";
        assert_eq!(
            patch(old, new),
            json!([{
                "oldStart": 1, "oldLines": 3, "newStart": 1, "newLines": 3,
                "lines": [" # Demo", "-hello world", "+goodbye world", " third line"],
            }])
        );
        assert_eq!(patch(old, old), json!([]));
    }
}
