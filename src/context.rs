//! What every command needs: made once from the global flags and the environment.

use camino::{Utf8Path, Utf8PathBuf};

use crate::cosign::binary::{Binary, Wanted};
use crate::cosign::environment::{self, SecretsOf};
use crate::cosign::process::Limits;
use crate::cosign::search_path::SearchPath;
use crate::cosign::signing_key::SigningKey;
use crate::cosign::temporary_place::TemporaryPlace;
use crate::cosign::{Cosign, Session};
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::password::Terminal;
use crate::plan::global::GlobalPlan;
use crate::plan::sign::KeySigner;
use crate::plan::value::Source;
use crate::printable::show;
use crate::progress::Progress;
use crate::report::CosignReport;
use crate::report::printer::Printer;
use crate::settings::Environment;
use crate::tree::Work;

/// The context of a command.
pub(crate) struct Context {
    pub(crate) environment: Environment,
    pub(crate) global: GlobalPlan,
    pub(crate) interrupt: Interrupt,
    pub(crate) printer: Printer,
}

impl Context {
    /// What all runs of cosign have in common; `untrusted` are the bundles and inputs, from which
    /// no program is run.
    pub(crate) fn session(&self, untrusted: &[Utf8PathBuf]) -> Result<Session<'_>> {
        let printer = self.printer;
        let search_path = SearchPath::new(&self.environment, untrusted);
        let temporary = self.environment.get("TMPDIR").filter(|value| !value.is_empty());
        let temporary =
            temporary.map_or(Some(Utf8Path::new("/tmp")), |value| Utf8Path::from_path(value.as_ref()));
        let temporary = temporary
            .ok_or_else(|| Failure::usage("TMPDIR is not UTF-8").hint("set TMPDIR to another directory"))?;
        if let Some(directory) = search_path.untrusted_parent(temporary) {
            let (temporary, directory) = (show(temporary.as_str()), show(directory.as_str()));
            return Err(Failure::usage(format!(
                "TMPDIR is {temporary}, which lies in {directory}, and that is not trusted yet"
            ))
            .hint("set TMPDIR to another directory"));
        }
        Ok(Session {
            environment: &self.environment,
            temporary: TemporaryPlace::open(temporary)?,
            search_path,
            limits: Limits {
                timeout: self.global.timeout.clone(),
                interrupt: self.interrupt.clone(),
                from_aicr: true,
            },
            on_command: Box::new(move |command| printer.command(command)),
            on_talk: Box::new(move |line| printer.cosign_says(line)),
        })
    }

    /// Finds and probes cosign, for runs with the secrets of `holders`. Warns of variables that
    /// cosign will not get.
    pub(crate) fn cosign<'a>(
        &self,
        session: &'a Session<'a>,
        holders: &[SecretsOf<'_>],
    ) -> Result<(Cosign<'a>, CosignReport)> {
        let wanted = Wanted { path: self.global.cosign.as_ref(), sha256: self.global.cosign_sha256 };
        let cosign = Cosign::probe(Binary::find(&wanted, &session.search_path)?, session)?;
        let ignored = environment::ignored(holders, &self.environment);
        if !ignored.is_empty() {
            let names: Vec<_> = ignored.iter().map(show).collect();
            let are = if names.len() == 1 { "is" } else { "are" };
            self.printer.warning(&format!("{} {are} ignored: use aicr's flags", names.join(", ")));
        }
        let report = CosignReport {
            path: cosign.path().to_owned(),
            version: cosign.release().to_owned(),
            dialect: cosign.dialect().name(),
        };
        Ok((cosign, report))
    }

    /// The signer's key, checked; asks for its password where there is a terminal.
    pub(crate) fn signing_key(&self, signer: &KeySigner, session: &Session<'_>) -> Result<SigningKey> {
        let KeySigner { key, kms_env, recording: _, public_key_out: _ } = signer;
        let named = kms_env.iter().map(ToString::to_string).collect();
        let ask = |prompt: &str| self.ask(prompt);
        SigningKey::read(&key.value, Some(named), &self.environment, &session.search_path, &ask).map_err(
            |failure| match key.source {
                // The wrong value was not typed.
                Source::Variable(name) if failure.class() == Class::Usage => failure.prefixed(name),
                Source::Variable(_) | Source::Flag(_) => failure,
            },
        )
    }

    /// Asks again for the password of a key that a person has typed.
    pub(crate) fn ask_again(&self, key: &mut SigningKey) -> Result<()> {
        key.ask_again(&|prompt| self.ask(prompt))
    }

    /// Asks a person for a password; `None` without a terminal.
    fn ask(&self, prompt: &str) -> Result<Option<String>> {
        Terminal::open().map(|terminal| terminal.ask(prompt, &self.interrupt)).transpose()
    }

    /// Work on files, counted here.
    pub(crate) fn work<'a>(&'a self, progress: &'a Progress) -> Work<'a> {
        Work { jobs: self.global.jobs, progress, interrupt: &self.interrupt }
    }
}
