//! Reading configuration: what holds, and where it comes from.

use betcode_core::config::{self, Key, Layer, OriginRow, Resolution, Source};
use serde_json::json;

use super::WhichFile;
use super::edit::{file_path, read, wrong};
use crate::cli::trust;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::output::say;
use crate::screen_settings::{Problem, conflicts, told};
use crate::table::Table;

/// Shows every setting.
pub(super) fn show(context: &mut Context, origin: bool, json: bool) -> Result<Exit, Failure> {
    let resolution = resolve(context)?;
    if json {
        let rows: Vec<_> = resolution.origins.iter().map(row_json).collect();
        context.output.json(&rows)?;
    } else {
        let mut table = Table::new(if origin {
            &["SETTING", "VALUE", "LAYER", "FROM"]
        } else {
            &["SETTING", "VALUE"]
        });
        for row in &resolution.origins {
            let mut cells = vec![row.key.to_string(), value_text(row)];
            if origin {
                let both = origins(row);
                let layers: Vec<_> = both.iter().map(|(layer, _)| layer.as_str()).collect();
                let places: Vec<_> = both.iter().map(|(_, place)| place.as_str()).collect();
                cells.extend([layers.join(", "), places.join(", ")]);
            }
            table.row(cells);
        }
        let text = table.render(context.output.colours());
        context.output.write(text.as_bytes())?;
    }
    context.output.flush()?;
    for ignored in &resolution.ignored {
        say(&format!("note: {ignored}"));
    }
    let keys = conflicts(&resolution);
    let problems = resolution.errors.iter().map(Problem::from).chain(keys);
    told(problems.collect()).map_or(Ok(Exit::Success), Err)
}

/// Prints one value.
pub(super) fn get(context: &mut Context, key: &str, json: bool) -> Result<Exit, Failure> {
    let key = Key::parse(key).map_err(|error| wrong(&error))?;
    let resolution = resolve(context)?;
    if let Some(error) = resolution.errors.first() {
        return Err(wrong(error));
    }
    let row = resolution.origin(&key);
    if json {
        let unset = || json!({"key": key.to_string(), "value": null});
        context.output.json(&row.map_or_else(unset, row_json))?;
        return Ok(Exit::Success);
    }
    match row.filter(|row| row.value.is_some()) {
        Some(row) => context.output.line(&value_text(row))?,
        None => {
            return Err(Failure::not_found("NOT_SET", format!("{key} is not set"))
                .hint(format!("without it: {}", key.info().default)));
        }
    }
    Ok(Exit::Success)
}

/// Prints where a file is, whether or not it is there.
pub(super) fn path(context: &mut Context, file: WhichFile, json: bool) -> Result<Exit, Failure> {
    if json {
        let place = |project, project_local| {
            file_path(
                context,
                WhichFile {
                    project,
                    project_local,
                },
            )
        };
        let all = json!({
            "user": place(false, false)?, "project": place(true, false)?, "project_local": place(false, true)?,
        });
        context.output.json(&all)?;
    } else {
        let path = file_path(context, file)?;
        context.output.line(&path.display().to_string())?;
    }
    Ok(Exit::Success)
}

fn resolve(context: &mut Context) -> Result<Resolution, Failure> {
    let mut sources = vec![Source::environment(context.environment.for_agents().0)];
    let mut in_project = false;
    for (project, project_local) in [(false, false), (true, false), (false, true)] {
        let file = WhichFile {
            project,
            project_local,
        };
        // Without a working directory there is no project.
        let Ok(path) = file_path(context, file) else {
            continue;
        };
        let text = read(&path)?;
        if !text.is_empty() {
            in_project |= file.layer() != Layer::User;
            sources.push(Source::file(file.layer(), path.display().to_string(), text));
        }
    }
    let trusted = in_project && trust::is_trusted(context)?;
    Ok(config::resolve(&sources, trusted))
}

fn value_text(row: &OriginRow) -> String {
    row.value.as_ref().map_or_else(
        || format!("({})", row.key.info().default),
        ToString::to_string,
    )
}

/// Layers and places, the strongest first; rules can have several.
fn origins(row: &OriginRow) -> Vec<(String, String)> {
    std::iter::once((&row.layer, &row.place))
        .chain(row.also.iter().map(|(layer, place)| (layer, place)))
        .map(|(layer, place)| (layer.to_string(), place.to_string()))
        .collect()
}

fn row_json(row: &OriginRow) -> serde_json::Value {
    let mut json = json!({
        "key": row.key.to_string(),
        "value": row.value.as_ref().map(ToString::to_string),
        "layer": row.layer.to_string(),
        "origin": row.place.to_string(),
    });
    if let Some(members) = json.as_object_mut().filter(|_| !row.also.is_empty()) {
        let also = origins(row).into_iter().skip(1);
        let also = also.map(|(layer, origin)| json!({"layer": layer, "origin": origin}));
        members.insert("also".to_owned(), also.collect());
    }
    json
}
