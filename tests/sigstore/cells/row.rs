//! A row of the table: who signs, the services that record the signature, and how they are given.
//! Also the expected result, which differs between releases.

use crate::site::{FULCIO, ISSUER, PERSON, REKOR_1, REKOR_2, TSA, WORKFLOW, WORKFLOWS};

/// A row.
pub(super) struct Row {
    pub(super) signer: Signer,
    pub(super) source: Source,
    pub(super) recording: Recording,
}

/// Who signs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Signer {
    P256,
    Rsa,
    Person,
    Workflow,
}

/// How services are given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    ByFlags,
    ByConfig,
}

/// The services that record a signature.
#[derive(Clone, Copy)]
pub(super) struct Recording {
    pub(super) name: &'static str,
    /// The version of the log.
    log: Option<u8>,
    timestamp: bool,
}

/// Every set of services.
pub(super) const RECORDINGS: [Recording; 6] = [
    Recording { name: "none", log: None, timestamp: false },
    Recording { name: "timestamp", log: None, timestamp: true },
    Recording { name: "Rekor v1", log: Some(1), timestamp: false },
    Recording { name: "Rekor v1, timestamp", log: Some(1), timestamp: true },
    Recording { name: "Rekor v2", log: Some(2), timestamp: false },
    Recording { name: "Rekor v2, timestamp", log: Some(2), timestamp: true },
];

/// The expected result with a release.
pub(super) enum Outcome {
    Signed,
    Refused { exit: i32, words: String },
}

const ROOT: &str = "--trusted-root site/trusted-root.json";

impl Signer {
    /// The name in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256 key",
            Self::Rsa => "RSA key",
            Self::Person => "keyless, e-mail",
            Self::Workflow => "keyless, CI job",
        }
    }

    /// How a report names it.
    pub(super) fn shown(self, key: &str) -> String {
        match self {
            Self::P256 | Self::Rsa => format!("key sha256\n    {key}"),
            Self::Person => format!("identity {PERSON}\n  issuer {ISSUER}"),
            Self::Workflow => format!("identity {WORKFLOW}\n  issuer {WORKFLOWS}"),
        }
    }

    fn is_identity(self) -> bool {
        matches!(self, Self::Person | Self::Workflow)
    }
}

impl Source {
    /// The name in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ByFlags => "flags",
            Self::ByConfig => "signing config",
        }
    }
}

impl Row {
    /// A name for files.
    pub(super) fn name(&self) -> String {
        let signer = match self.signer {
            Signer::P256 => "p256",
            Signer::Rsa => "rsa",
            Signer::Person => "person",
            Signer::Workflow => "workflow",
        };
        let source = if self.source == Source::ByFlags { "flags" } else { "config" };
        format!("{signer}{}-{source}", self.suffix())
    }

    /// What determines how it is verified.
    pub(super) fn kind(&self) -> (Signer, &'static str) {
        (self.signer, self.recording.name)
    }

    /// The suffix in the name of a signing config with these services.
    fn suffix(&self) -> String {
        let Recording { log, timestamp, .. } = self.recording;
        let log = log.map(|version| format!("-rekor{version}")).unwrap_or_default();
        format!("{log}{}", if timestamp { "-tsa" } else { "" })
    }

    /// The flag for the signing config.
    pub(super) fn config(&self) -> String {
        let signer = if self.signer.is_identity() { "keyless" } else { "key" };
        format!("--signing-config site/signing-config/{signer}{}.json", self.suffix())
    }

    /// The flags of `aicr bundle`. One of the keys writes its public half next to the bundle.
    pub(super) fn flags(&self, bundle: &str) -> String {
        let mut flags = match self.signer {
            Signer::P256 => vec!["--signing-key cosign.key".to_owned()],
            Signer::Rsa => vec![format!("--signing-key rsa.key --public-key-out {bundle}.pub")],
            Signer::Person => vec!["--keyless --identity-token token".to_owned()],
            Signer::Workflow => vec!["--keyless".to_owned()],
        };
        let Recording { log, timestamp, .. } = self.recording;
        match (self.source, log) {
            (Source::ByConfig, _) => flags.push(self.config()),
            (Source::ByFlags, None) => flags.push("--tlog-upload=false".to_owned()),
            (Source::ByFlags, Some(1)) => flags.push(format!("--rekor-url {REKOR_1}")),
            (Source::ByFlags, Some(_)) => flags.push(format!("--rekor-url {REKOR_2}")),
        }
        if self.source == Source::ByFlags && timestamp {
            flags.push(format!("--timestamp-server-url {TSA}"));
        }
        if self.source == Source::ByFlags && self.signer.is_identity() && log.is_some() {
            flags.push(format!("--fulcio-url {FULCIO} --oidc-issuer {ISSUER}"));
        }
        if self.source == Source::ByConfig || log.is_some() || timestamp {
            flags.push(ROOT.to_owned());
        }
        flags.join(" ")
    }

    /// The services that are contacted: a name for people, and the address.
    pub(super) fn reaches(&self) -> Vec<(&'static str, &'static str)> {
        let Recording { log, timestamp, .. } = self.recording;
        [
            ("Rekor v1", "127.0.0.1:3000", log == Some(1)),
            ("Rekor v2", "127.0.0.1:3003", log == Some(2)),
            ("TSA", "127.0.0.1:3004", timestamp),
            ("Fulcio", "127.0.0.1:5555", self.signer.is_identity()),
            // A job gets its token there.
            ("issuer", "127.0.0.1:8888", self.signer == Signer::Workflow),
        ]
        .into_iter()
        .filter_map(|(name, address, is_reached)| is_reached.then_some((name, address)))
        .collect()
    }

    /// The notice before the signature.
    pub(super) fn notice(&self) -> String {
        let port = match self.recording.log {
            None => return String::new(),
            Some(1) => 3000,
            Some(_) => 3003,
        };
        format!("notice: the signature goes to the transparency log at localhost:{port}\n")
    }

    /// How a report shows log and timestamp.
    pub(super) fn reported(&self) -> String {
        let word = |is_there: bool| if is_there { "checked" } else { "none" };
        let Recording { log, timestamp, .. } = self.recording;
        format!("log {}, timestamp {}", word(log.is_some()), word(timestamp))
    }

    /// The flags that verify `bundle`.
    pub(super) fn trust(&self, bundle: &str) -> String {
        let Recording { log, timestamp, .. } = self.recording;
        let mut flags = match self.signer {
            Signer::P256 | Signer::Rsa => format!("--key {bundle}.pub"),
            Signer::Person => {
                format!("--certificate-identity {PERSON} --certificate-oidc-issuer {ISSUER}")
            }
            Signer::Workflow => {
                format!("--certificate-identity {WORKFLOW} --certificate-oidc-issuer {WORKFLOWS}")
            }
        };
        for (flag, is_there) in [
            ("--insecure-ignore-tlog", log.is_none()),
            (ROOT, log.is_some() || timestamp),
            ("--require-timestamp", timestamp),
        ] {
            if is_there {
                flags = format!("{flags} {flag}");
            }
        }
        flags
    }

    /// The command that is printed for `bundle`, signed with `cosign`.
    pub(super) fn command(&self, bundle: &str, cosign: &str) -> String {
        let verify = format!("aicr verify {bundle} {} --cosign {cosign}", self.trust(bundle));
        match self.signer {
            Signer::P256 => {
                format!("{cosign} public-key --key=cosign.key --outfile={bundle}.pub && {verify}")
            }
            Signer::Rsa | Signer::Person | Signer::Workflow => verify,
        }
    }

    /// The expected result of signing with this release.
    pub(super) fn outcome(&self, release: &str) -> Outcome {
        const NO_TIME: &str = "there is no timestamp authority (tsaUrls) that is currently valid, and a log of Rekor v2 states no time\nhint: add one with --timestamp-server-url, or to the tsaUrls of the signing config; check the clock of this machine too";
        const NO_LOG: &str =
            "there is no transparency log (rekorTlogUrls) that is currently valid\nhint: add one";
        const CLOCK: &str = "check the clock of this machine too";
        let Recording { log, timestamp, .. } = self.recording;
        let config = self.config();
        let impossible = match (self.signer.is_identity(), self.source, log, timestamp) {
            (true, Source::ByFlags, None, _) => {
                "--keyless cannot be used with --tlog-upload=false: keyless signing needs Fulcio, which needs a network\nhint: use --signing-key REF instead of --keyless".to_owned()
            }
            (true, Source::ByConfig, None, _) => format!("{config}: {NO_LOG}; {CLOCK}"),
            (false, Source::ByConfig, None, _) => format!(
                "{config}: {NO_LOG}, or use --tlog-upload=false with --timestamp-server-url for a timestamp alone; {CLOCK}"
            ),
            (true, Source::ByFlags, Some(2), false) => format!("the services named by flags: {NO_TIME}"),
            (true, Source::ByConfig, Some(2), false) => format!("{config}: {NO_TIME}"),
            _ => return self.with_release(release, true),
        };
        Outcome::Refused { exit: 2, words: format!("error: {impossible}\n") }
    }

    /// The expected result of verifying with this release.
    pub(super) fn verdict(&self, release: &str) -> Outcome {
        self.with_release(release, false)
    }

    /// The refusals of releases that do not support it.
    fn with_release(&self, release: &str, signs: bool) -> Outcome {
        let Recording { log, timestamp, .. } = self.recording;
        let (what, from) = match (release, signs) {
            ("v2.2.4", true) if log.is_some() || timestamp => {
                ("cannot write a Sigstore bundle with a log entry, a certificate or a timestamp", "2.4")
            }
            ("v2.2.4", false) if self.signer.is_identity() => {
                ("cannot read the certificate of a Sigstore bundle", "2.4")
            }
            ("v2.2.4", false) if log.is_some() => ("cannot read the log entry of a Sigstore bundle", "2.4"),
            ("v2.2.4", false) if timestamp => ("cannot read the timestamp of a Sigstore bundle", "2.4"),
            ("v2.4.1", true) if log == Some(2) => ("cannot use Rekor v2", "2.6"),
            ("v2.4.1", false) if log == Some(2) => ("cannot verify log entries of Rekor v2", "2.6"),
            _ => return Outcome::Signed,
        };
        let words = format!(
            "error: {{root}}/bin/{release} ({release}) {what}\nhint: install cosign {from} or later, or name one with --cosign\n"
        );
        Outcome::Refused { exit: 3, words }
    }
}
