//! The flags that are for the agent itself: they are read and checked here, and handed over with its start. They stay with
//! the session until a later run names others.
//!
//! Files are named by where they lie, so that a session finds them whenever its agent is started again; what is written into the
//! command line itself is kept with the session and can be read there. That is why MCP servers, which often hold secrets, are
//! taken from files only.

use std::path::{Path, PathBuf};

use betcode_core::command::AgentFlags;
use clap::Args;
use serde_json::Value;

use super::{AGENT, SESSION};
use crate::context::Context;
use crate::error::Failure;

/// Claude Code's words for `--effort`.
const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];
/// The longest file that is read.
const MOST: u64 = 16 * 1024 * 1024;
/// The longest text that is handed over: systems take no longer argument.
const LONGEST: usize = 100 * 1024;

fn dollars(text: &str) -> Result<u64, String> {
    let wrong = || "an amount of dollars is wanted, such as 5 or 0.25".to_owned();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !digits(whole) || !digits(part) || part.len() > 6 {
        return Err(wrong());
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| wrong())?
    };
    let part: u64 = format!("{part:0<6}").parse().map_err(|_| wrong())?;
    whole
        .checked_mul(1_000_000)
        .and_then(|micros| micros.checked_add(part))
        .filter(|micros| *micros > 0)
        .ok_or_else(wrong)
}

/// What the agent is told with its start.
#[derive(Debug, Default, Args)]
pub(crate) struct HandedOn {
    /// Models for when the first one is busy, separated by commas
    #[arg(long, value_name = "MODELS", help_heading = AGENT)]
    pub(crate) fallback_model: Option<String>,

    /// How hard the model thinks
    #[arg(long, value_name = "LEVEL", value_parser = EFFORTS, help_heading = AGENT)]
    pub(crate) effort: Option<String>,

    /// Use this instead of the agent's own system prompt
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, help_heading = AGENT)]
    pub(crate) system_prompt: Option<String>,

    /// The built-in tools that the agent gets: "Read,Edit", "" for none, "default" for its usual ones
    #[arg(long, value_name = "TOOLS", num_args = 1.., help_heading = AGENT)]
    pub(crate) tools: Option<Vec<String>>,

    /// End the turn when this much is spent, in dollars
    #[arg(long, value_name = "AMOUNT", value_parser = dollars, help_heading = AGENT)]
    pub(crate) max_budget_usd: Option<u64>,

    /// More directories that the agent works in
    #[arg(long, value_name = "DIR", num_args = 1.., help_heading = SESSION)]
    pub(crate) add_dir: Vec<PathBuf>,

    /// Files with MCP servers for the agent
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = AGENT)]
    pub(crate) mcp_config: Vec<PathBuf>,

    /// Only the MCP servers of --mcp-config; without it, none
    #[arg(long, help_heading = AGENT)]
    pub(crate) strict_mcp_config: bool,

    /// Sub-agents, as JSON or a file with JSON
    #[arg(long, value_name = "JSON", help_heading = AGENT)]
    pub(crate) agents: Option<String>,

    /// The sub-agent that the agent itself is; what `claude --agent` means
    #[arg(long, value_name = "NAME", help_heading = AGENT)]
    pub(crate) persona: Option<String>,

    /// Answer in this form: a JSON Schema
    #[arg(long, value_name = "SCHEMA", conflicts_with = "output_schema", help_heading = AGENT)]
    pub(crate) json_schema: Option<String>,

    /// The same, from a file
    #[arg(long, value_name = "FILE", help_heading = AGENT)]
    pub(crate) output_schema: Option<PathBuf>,
}

impl HandedOn {
    /// A prompt behind a list of tools, directories or files was taken for the last of them. Gives it back.
    pub(super) fn swallowed(&mut self) -> Option<String> {
        let tools = self.tools.as_mut().and_then(super::swallowed);
        tools
            .or_else(|| not_there(&mut self.add_dir))
            .or_else(|| not_there(&mut self.mcp_config))
    }

    /// What the agent gets, with files and directories looked up.
    pub(crate) fn flags(&self, context: &Context) -> Result<AgentFlags, Failure> {
        let mut add_dirs = Vec::new();
        for directory in &self.add_dir {
            add_dirs.push(Context::utf8(&context.directory(directory)?)?);
        }
        let mut mcp_configs = Vec::new();
        for file in &self.mcp_config {
            mcp_configs.push(mcp_config(file, context)?);
        }
        let json_schema = match (&self.json_schema, &self.output_schema) {
            (Some(schema), _) => object("--json-schema", schema.clone())?,
            (None, Some(file)) => object("--output-schema", text_of("--output-schema", file)?)?,
            (None, None) => String::new(),
        };
        let agents = match &self.agents {
            Some(text) if text.trim_start().starts_with('{') => object("--agents", text.clone())?,
            Some(file) => object("--agents", text_of("--agents", Path::new(file))?)?,
            None => String::new(),
        };
        let flags = AgentFlags {
            fallback_model: self.fallback_model.clone().unwrap_or_default(),
            effort: self.effort.clone().unwrap_or_default(),
            system_prompt: self.system_prompt.clone().unwrap_or_default(),
            tools: self.tools.as_ref().map(|tools| list(tools)),
            max_budget_microdollars: self.max_budget_usd,
            add_dirs,
            mcp_configs,
            strict_mcp_config: self.strict_mcp_config,
            agents,
            persona: self.persona.clone().unwrap_or_default(),
            json_schema,
        };
        for (flag, text) in [
            ("--system-prompt", &flags.system_prompt),
            ("--agents", &flags.agents),
            ("--json-schema", &flags.json_schema),
        ] {
            if text.len() > LONGEST {
                return Err(Failure::usage(format!(
                    "{flag} is {} KiB long; the most is {} KiB",
                    text.len() / 1024,
                    LONGEST / 1024
                )));
            }
        }
        Ok(flags)
    }
}

/// Names separated by commas or blanks, with commas.
fn list(words: &[String]) -> String {
    let names = words
        .iter()
        .flat_map(|word| word.split([',', ' ', '\n', '\t']));
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    names.join(",")
}

fn not_there(paths: &mut Vec<PathBuf>) -> Option<String> {
    let last = paths
        .last()
        .filter(|path| paths.len() > 1 && !path.exists())?;
    let prompt = last.to_str()?.to_owned();
    paths.pop();
    Some(prompt)
}

fn mcp_config(file: &Path, context: &Context) -> Result<String, Failure> {
    let shown = file.display();
    if shown.to_string().trim_start().starts_with('{') {
        return Err(Failure::usage("--mcp-config takes files only").hint(
            "what is on the command line is kept with the session, where secrets of MCP servers do not belong: put it into a file",
        ));
    }
    let found = context.file(file)?;
    let text = text_of("--mcp-config", &found)?;
    object(&format!("--mcp-config {shown}"), text)?;
    Context::utf8(&found)
}

fn text_of(flag: &str, file: &Path) -> Result<String, Failure> {
    let shown = file.display();
    let bytes = crate::files::read(file, MOST)
        .map_err(|error| Failure::unusable(&format!("{flag}: cannot read {shown}"), &error))?;
    if bytes.len() as u64 > MOST {
        let most = MOST >> 20;
        let problem = format!("{flag}: {shown} is longer than {most} MiB");
        return Err(Failure::usage(problem));
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("{flag}: {shown} is not UTF-8 text")))
}

/// Checks that a text is a JSON object.
fn object(flag: &str, text: String) -> Result<String, Failure> {
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(_)) => Ok(text),
        Ok(_) => Err(Failure::usage(format!("{flag}: it is no JSON object"))),
        Err(error) => Err(Failure::usage(format!("{flag}: it is no JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_dollars_with_at_most_six_places() {
        for (text, micros) in [
            ("5", 5_000_000),
            ("0.25", 250_000),
            (".5", 500_000),
            ("1.000001", 1_000_001),
        ] {
            assert_eq!(dollars(text), Ok(micros), "{text}");
        }
        for text in [
            "",
            ".",
            "0",
            "-1",
            "1e3",
            "1,5",
            "0.0000001",
            "99999999999999999999",
        ] {
            assert!(dollars(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_of_tools_have_commas_whatever_they_were_written_with() {
        let words = ["Read,Edit", "Bash Write"].map(str::to_owned);
        assert_eq!(list(&words), "Read,Edit,Bash,Write");
        assert_eq!(list(&[String::new()]), "");
    }
}
