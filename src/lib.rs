//! `aicr` builds bundles of release files, lets the installed cosign sign their manifest, with or
//! without a transparency log, and verifies them offline.
//!
//! Reading order: `cli` (the command line as typed), `plan` (what it means), then `commands`, one
//! file for each command. Only `commands` knows both `tree` (files, no cosign) and `cosign`
//! (cosign, no payload). `report` holds the results and prints them.

mod archive;
#[expect(clippy::doc_markdown, reason = "the help is made from the documentation")]
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
mod parallel;
mod password;
mod plan;
mod printable;
mod progress;
mod recipes;
mod release;
mod report;
mod settings;
mod shard;
mod sigstore;
mod small_file;
mod system_error;
mod tree;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use camino::Utf8Path;
use clap::Parser;
use clap::error::ErrorKind;
use rustix::process::{Resource, getrlimit};

use crate::cli::{Cli, Color, Command, Format};
use crate::context::Context;
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::Surroundings;
use crate::plan::global::{GlobalPlan, Verbosity};
use crate::report::printer::Printer;
use crate::report::{Report, json};
use crate::settings::Environment;
use crate::tree::report_file::ReportFile;

/// Runs one command line, prints its result, and returns the exit code. If a signal ended the run,
/// that signal is raised again after the clean-up.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(code) = cosign::process::become_program(&arguments) {
        return code;
    }
    let environment = Environment::of_process();
    let class = match Cli::try_parse_from(cli::without_true(&arguments)) {
        Ok(cli) => dispatch(cli, &arguments, environment),
        Err(error) => refuse(&error, &arguments, &environment),
    };
    if let Some(Class::Signal(signal)) = class {
        // A shell that runs a loop stops only if the signal itself ends the process.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    ExitCode::from(class.map_or(0, Class::code))
}

/// Runs a command, prints its result, and returns the class of its failure, if any.
fn dispatch(cli: Cli, arguments: &[OsString], environment: Environment) -> Option<Class> {
    let Cli { global, command } = cli;
    let (format, color) = (global.format, global.color);
    let verbosity = if global.quiet { Verbosity::Quiet } else { Verbosity::Normal };
    let mut printer = Printer::new(format, verbosity, color, &environment);
    let name = command.name();
    let mut report = Report::default();
    let mut interrupted = Interrupt::default();
    let mut file = None;
    let done = (|| {
        file = report_file(arguments, &command.paths())?;
        let refusal = plan::arguments::refuse_blank_after_tlog_upload(arguments)
            .or_else(|| plan::arguments::refuse_global_flag_given_twice(arguments));
        if let Some(failure) = refusal {
            return Err(failure);
        }
        plan::own_variables::refuse_typos(&environment)?;
        if let Some(text) = command.text() {
            return Printer::raw(&text);
        }
        let global = GlobalPlan::new(global, &environment, files_at_once())?;
        printer = Printer::new(global.format, global.verbosity, global.color, &environment);
        let interrupt = Interrupt::install().context("prepare for signals")?;
        interrupted = interrupt.clone();
        work(command, &Context { environment, global, interrupt, printer }, &mut report)
    })();
    // A signal after the work still ends the loop of a script.
    let stopped = || interrupted.check().err();
    report.error = done.err().or_else(|| report.error.take()).or_else(stopped);
    let unwritten = write(file.as_ref(), Some(name), &mut report);
    match name {
        // They have printed a text, so there is no report on stdout.
        "help" | "completions" | "man" if report.error.is_none() => None,
        _ => print(printer, Some(name), &report, unwritten),
    }
}

/// The file of `--report`, unless the line names none, or more than one. `places` are the other
/// paths of the line.
fn report_file(arguments: &[OsString], places: &[&Utf8Path]) -> Result<Option<ReportFile>> {
    plan::arguments::report(arguments).map(|path| ReportFile::new(path.as_ref(), places)).transpose()
}

/// Writes the file of `--report`. If that fails, it is an error of the report, or is returned if
/// the report has one already. It never changes a verdict.
fn write(file: Option<&ReportFile>, command: Option<&str>, report: &mut Report) -> Option<Failure> {
    let file = file?;
    let written = json::render(command, report, SystemTime::now());
    let failure = written.and_then(|text| file.write(text.as_bytes())).err()?;
    let failure = report.in_spite_of(failure);
    if report.error.is_some() {
        return Some(failure);
    }
    report.error = Some(failure);
    None
}

/// Prints a report and then `unwritten`, and returns the class that decides the exit code. A write
/// error on stdout is always reported, and changes no verdict.
fn print(
    printer: Printer,
    command: Option<&str>,
    report: &Report,
    unwritten: Option<Failure>,
) -> Option<Class> {
    let class = report.class();
    let printed = printer.report(command, report, SystemTime::now());
    if let Some(failure) = unwritten {
        printer.failure(&failure);
    }
    let Err(failure) = printed else {
        return class;
    };
    // `help`, `completions` and `man` have reported it already.
    if report.error.as_ref().is_none_or(|error| error.message() != failure.message()) {
        printer.failure(&report.in_spite_of(failure));
    }
    Some(class.unwrap_or(Class::Broken))
}

/// One file for each processor, but at most a quarter of the file descriptors: copying a file takes
/// two, and the rest of the program needs some.
fn files_at_once() -> NonZeroUsize {
    let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let files = usize::try_from(descriptors / 4).unwrap_or(usize::MAX);
    NonZeroUsize::new(files).map_or(NonZeroUsize::MIN, |files| files.min(processors))
}

/// Makes the plan and does the work. A command that fails has put its results into `report` too.
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
        Command::Pack(args) => commands::pack::run(&plan::pack::PackPlan::new(args)?, context, report),
        Command::Verify(args) => commands::verify::run(
            &plan::verify::VerifyPlan::new(args, &context.environment)?,
            context,
            report,
        ),
        Command::Inspect(args) => {
            commands::inspect::run(&plan::inspect::InspectPlan::new(args)?, context, report)
        }
        Command::Sheet(args) => {
            commands::sheet::run(&plan::sheet::SheetPlan::new(args, context.global.format)?, context, report)
        }
        Command::Doctor(args) => {
            let signer = plan::sign::signer(plan::sign::SigningCommand::Doctor, args.signing, surroundings)?;
            commands::doctor::run(signer.as_ref(), args.online, context, report)
        }
        // They have a text, which was printed before this.
        Command::Help { .. } | Command::Completions { .. } | Command::Man { .. } => Ok(()),
    }
}

/// Prints help or the version, or refuses the line.
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
        let verbose = error.kind() == ErrorKind::DisplayVersion && cli::version::is_verbose(arguments);
        let text = if verbose { cli::version::verbose() } else { error.render().to_string() };
        let failure = Printer::raw(text.as_bytes()).err()?;
        printer.failure(&failure);
        return Some(failure.class());
    }
    if arguments.len() == 1 {
        printer.short_help(&cli::short_help());
    }
    let command = cli::usage_error::command(error, arguments);
    let refusal = cli::usage_error::refusal(error, arguments, command);
    let mut report = Report { error: Some(refusal), ..Report::default() };
    let unwritten = match report_file(arguments, &plan::arguments::possible_paths(arguments)) {
        Ok(file) => write(file.as_ref(), command, &mut report),
        Err(refused) => Some(refused),
    };
    print(printer, command, &report, unwritten)
}
