//! `betcode question`: what agents ask the user, plans to be approved, and the answers.

mod answer;
mod choose;
mod list;
mod show;

pub(crate) use list::line as question_line;

use clap::{Args, Subcommand};

use super::permission::ListArgs;
use crate::context::Context;
use crate::error::{Exit, Failure};

/// See what agents ask and answer it; approve plans
#[derive(Debug, Args)]
pub(crate) struct QuestionArgs {
    #[command(subcommand)]
    command: QuestionCommand,
}

#[derive(Debug, Subcommand)]
enum QuestionCommand {
    /// List the questions that wait for an answer, oldest first
    List(ListArgs),
    /// Show a question with its options, numbered as an answer needs it
    Show {
        /// The question's id, or the beginning of it
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Answer a question, or approve or decline a plan
    Answer(AnswerArgs),
}

/// An answer.
#[derive(Debug, Args)]
#[command(
    after_help = "betcode question answer 0b3c --answer 1=Red --answer 2=Linux,macOS --text \"3=a name of my own\""
)]
struct AnswerArgs {
    /// The question's id, or the beginning of it
    id: String,
    /// Choose options by their labels; N counts from 1 and may be left out when there is only one question
    #[arg(long, short = 'a', value_name = "N=LABEL[,LABEL]")]
    answer: Vec<String>,
    /// Answer in your own words, instead of an option or beside it
    #[arg(long, short = 't', value_name = "N=TEXT")]
    text: Vec<String>,
    /// Approve the plan
    #[arg(long, conflicts_with_all = ["answer", "text", "decline"])]
    approve: bool,
    /// Do not answer, or do not approve the plan
    #[arg(long, conflicts_with_all = ["answer", "text"])]
    decline: bool,
    /// With --decline: what the agent is told
    #[arg(
        long,
        short = 'm',
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        requires = "decline"
    )]
    message: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: QuestionArgs, context: &mut Context) -> Result<Exit, Failure> {
    match args.command {
        QuestionCommand::List(args) => list::list(&args, context),
        QuestionCommand::Show { id, json } => show::show(&id, json, context),
        QuestionCommand::Answer(args) => answer::answer(&args, context),
    }
}
