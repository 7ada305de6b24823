//! `aicr` builds bundles of release files, has the system's own cosign sign their manifest, without a
//! transparency log if that is wanted, and verifies them offline.
//!
//! Reading order: `cli` (what was typed), `plan` (what that means), then one file a verb: `bundle`,
//! `bundle_sign`, `verify`, `doctor`. They are the only ones that know both `tree` (files; no
//! cosign there) and `cosign` (cosign; no payload there). `report` is what they found out, and
//! `output` prints it.

#[expect(clippy::doc_markdown, reason = "what is documentation there is printed as help")]
mod cli;
mod commands;
mod connectivity;
mod context;
mod cosign;
mod digest;
mod error;
#[cfg(any(test, fuzzing))]
#[path = "../fuzz/properties/properties.rs"]
pub mod fuzz;
mod interrupt;
mod password;
mod plan;
mod printable;
mod report;
mod settings;
mod sigstore;
mod small_file;
mod system_error;
mod tree;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use rustix::process::{Resource, getrlimit};

use crate::cli::{Cli, Color, Command, Format};
use crate::context::Context;
use crate::error::{Class, Result};
use crate::interrupt::Interrupt;
use crate::plan::Surroundings;
use crate::plan::global::{GlobalPlan, Verbosity};
use crate::report::Report;
use crate::report::printer::Printer;
use crate::settings::Environment;

/// Runs one command line, prints its result, and gives the exit code of the table in the README.
/// If a signal ended it, that signal is raised again once everything is cleaned up.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let environment = Environment::of_process();
    let class = match Cli::try_parse_from(&arguments) {
        Ok(cli) => dispatch(cli, &arguments, environment),
        Err(error) => refuse(&error, &arguments, &environment),
    };
    if let Some(Class::Signal(signal)) = class {
        // Ends the process, as the signal would have done at once. If it does not, the code says it.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    ExitCode::from(class.map_or(0, Class::code))
}

/// Runs a command that was understood, prints, and gives the class of what went wrong, if anything.
fn dispatch(cli: Cli, arguments: &[OsString], environment: Environment) -> Option<Class> {
    let Cli { global, command } = cli;
    let (format, color) = (global.format, global.color);
    let verbosity = if global.quiet { Verbosity::Quiet } else { Verbosity::Normal };
    let mut printer = Printer::new(format, verbosity, color, &environment);
    let name = command.name();
    let mut report = Report::default();
    let mut interrupted = Interrupt::default();
    let done = (|| {
        let refusal = plan::arguments::refuse_blank_after_tlog_upload(arguments)
            .or_else(|| plan::arguments::refuse_global_flag_given_twice(arguments));
        if let Some(failure) = refusal {
            return Err(failure);
        }
        let global = GlobalPlan::new(global, &environment, files_at_once())?;
        printer = Printer::new(global.format, global.verbosity, global.color, &environment);
        let interrupt = Interrupt::install().context("prepare for signals")?;
        interrupted = interrupt.clone();
        work(command, &Context { environment, global, interrupt, printer }, &mut report)
    })();
    // A signal that came when there was nothing left to stop still ends the loop of a script.
    report.error = done.err().or_else(|| interrupted.check().err());
    match name {
        // What these print is no report.
        "completions" | "man" if report.error.is_none() => None,
        _ => print(printer, Some(name), &report),
    }
}

/// Prints a report, and gives the class that decides the exit code. A stdout that takes no more is said, but
/// changes no verdict.
fn print(printer: Printer, command: Option<&str>, report: &Report) -> Option<Class> {
    let class = report.class();
    let Err(mut failure) = printer.report(command, report) else {
        return class;
    };
    // `completions` and `man` have met that before.
    if report.error.as_ref().is_none_or(|error| error.message() != failure.message()) {
        if let Some(made) = report.made() {
            failure = failure.and(&format!("; {made} all the same"));
        }
        printer.failure(&failure);
    }
    Some(class.unwrap_or(failure.class()))
}

/// One file for each processor, and no more than this process has descriptors for: copying takes two, and
/// as many are left for all else.
fn files_at_once() -> NonZeroUsize {
    let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let files = usize::try_from(descriptors / 4).unwrap_or(usize::MAX);
    NonZeroUsize::new(files).map_or(NonZeroUsize::MIN, |files| files.min(processors))
}

/// From the plan to the work. What a command found out goes into `report`, also when it fails.
fn work(command: Command, context: &Context, report: &mut Report) -> Result<()> {
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let surroundings = Surroundings { environment: &context.environment, terminal };
    match command {
        Command::Bundle(args) => {
            commands::bundle::run(&plan::bundle::BundlePlan::new(args, surroundings)?, context, report)
        }
        Command::BundleSign(args) => commands::bundle_sign::run(
            &plan::bundle::BundleSignPlan::new(args, surroundings)?,
            context,
            report,
        ),
        Command::Verify(args) => {
            commands::verify::run(&plan::verify::VerifyPlan::new(args)?, context, report)
        }
        Command::Doctor(args) => {
            let signer = plan::sign::signer(plan::sign::SigningCommand::Doctor, args.signing, surroundings)?;
            commands::doctor::run(signer.as_ref(), args.online, context, report)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "aicr", &mut script);
            Printer::raw(&script)
        }
        Command::Man => Printer::raw(&cli::man::page().context("render the manual page")?),
    }
}

/// What clap has to say: help and the version, or a refusal.
fn refuse(error: &clap::Error, arguments: &[OsString], environment: &Environment) -> Option<Class> {
    let typed = |flag: &str, value: &str| {
        arguments.windows(2).any(|pair| pair[0] == *flag && pair[1] == *value)
            || arguments.iter().any(|argument| *argument == *format!("{flag}={value}"))
    };
    let format = if typed("--format", "json") { Format::Json } else { Format::Text };
    let color = match (typed("--color", "always"), typed("--color", "never")) {
        (true, false) => Color::Always,
        (false, true) => Color::Never,
        _ => Color::Auto,
    };
    let printer = Printer::new(format, Verbosity::Normal, color, environment);
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let failure = Printer::raw(error.render().to_string().as_bytes()).err()?;
        printer.failure(&failure);
        return Some(failure.class());
    }
    let command = Cli::command();
    let name = arguments
        .iter()
        .filter_map(|argument| argument.to_str())
        .find(|name| command.find_subcommand(name).is_some());
    let report = Report { error: Some(cli::usage_error::refusal(error, name)), ..Report::default() };
    print(printer, name, &report)
}
