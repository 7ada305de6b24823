//! The answers of a service, or none, and the resulting failures.

use super::{Failure, LATER, LOG_1, LOG_2, RELEASES, Signing, nothing_is_left};
use crate::parallel::each;
use crate::site::{FULCIO, REKOR_1, REKOR_2, Site, TSA};

const WHERE: &str = "check the address, and that the server is running";
const AGAIN: &str = "try again later; nothing was left behind";
const STRANGE: &str = "check the address; a proxy or a portal may have answered instead";
const ITS_ANSWER: &str =
    "the text above is its answer; is the address right, and does it require authentication?";
const PATIENCE: &str = "--timeout gives it more time; a key manager or service that accepts connections but never answers is the usual cause";

const NOBODY: (i32, &str, &str) = (6, "could not be reached: connection refused", WHERE);
const BROKEN_OFF: (i32, &str, &str) = (6, "could not be reached: its server closed the connection", WHERE);
const ODD: (i32, &str, &str) = (4, "returned an answer that cosign does not understand", STRANGE);
const REFUSED: (i32, &str, &str) = (4, "refused the request", ITS_ANSWER);
const BUSY: (i32, &str, &str) = (6, "is unavailable or overloaded", AGAIN);

/// Orders to a service, and the resulting failures.
const ALIKE: [(&str, Failure<'_>); 9] = [
    ("stop", NOBODY),
    ("reset", BROKEN_OFF),
    ("200", ODD),
    ("400", REFUSED),
    ("403", REFUSED),
    ("405", REFUSED),
    ("429", BUSY),
    ("500", BUSY),
    ("503", BUSY),
];

/// A service of a site, and a way to sign that needs it.
struct FailingService<'a> {
    site: &'a Site,
    service: &'a str,
    /// Its name in messages.
    who: &'a str,
    words: &'a str,
    notice: &'a str,
    releases: &'a [&'a str],
    /// Whether a log may have recorded the signature of a failed run.
    logged: bool,
}

impl FailingService<'_> {
    fn signing<'a>(&'a self, release: &'a str, words: &'a str) -> Signing<'a> {
        Signing { sandbox: self.site, release, words, notice: self.notice }
    }

    /// Runs this with every release.
    fn each(&self, words: &str, work: impl Fn(Signing<'_>) + Sync) {
        let all: Vec<_> = self.releases.iter().map(|release| self.signing(release, words)).collect();
        each(&all, |signing| work(*signing));
    }

    /// With each order, every release fails as expected.
    #[track_caller]
    fn fails(&self, rows: &[(&str, Failure<'_>)]) {
        for (how, (exit, reason, hint)) in rows {
            self.order(how);
            let error = format!("{} {reason}", self.who);
            self.each(self.words, |signing| signing.fails((*exit, &error, hint)));
            nothing_is_left(self.site);
        }
    }

    fn order(&self, how: &str) {
        let service = self.service;
        if how == "stop" {
            self.site.order(&format!("restart {service}"));
            self.site.order(&format!("stop {service}"));
        } else {
            self.site.order(&format!("replace {service} {how}"));
        }
    }

    /// It accepts connections and never answers. `asked` are all services of the run.
    #[track_caller]
    fn hangs(&self, asked: &str) {
        self.order("hang");
        let logged = if self.logged { ", and the signature may be in the log permanently" } else { "" };
        let error = format!(
            "{asked} could not be reached in time: cosign sign-blob did not finish within 3s and was terminated{logged}"
        );
        let words = format!("{} --timeout 3s", self.words);
        self.each(&words, |signing| signing.fails((6, &error, PATIENCE)));
        nothing_is_left(self.site);
    }

    /// When the service is back, everything works.
    #[track_caller]
    fn works_again(&self) {
        self.site.order(&format!("restart {}", self.service));
        self.each(self.words, |signing| signing.works());
    }
}

#[test]
fn a_log_of_rekor_1() {
    let site = Site::new();
    let words =
        format!("--signing-key cosign.key --rekor-url {REKOR_1} --trusted-root site/trusted-root.json");
    let log = FailingService {
        site: &site,
        service: "rekor1",
        who: "the transparency log at localhost:3000",
        words: &words,
        notice: LOG_1,
        releases: &RELEASES,
        logged: true,
    };
    let entries = site.entries("rekor1");
    log.fails(&ALIKE);
    log.fails(&[(
        "404",
        (
            4,
            "does not know the address (404)",
            "check the address, and the Rekor version that the trusted root or the signing config has for it",
        ),
    )]);
    log.hangs("localhost:3000");
    log.works_again();
    // The service answers {}.
    log.order("201");
    log.signing("v2.4.1", &words).fails((ODD.0, &format!("{} {}", log.who, ODD.1), ODD.2));
    for release in LATER {
        let run = log.signing(release, &words);
        let output = run.run().output();
        let said = String::from_utf8(output.stderr).unwrap();
        let start = format!(
            "{LOG_1}error: {} sign-blob crashed (exit 2), and the signature may be in the log permanently\n    panic: runtime error: ",
            site.path(format!("bin/{release}/cosign")).display()
        );
        assert!(output.status.code() == Some(1) && said.starts_with(&start), "{release}\n{said}");
    }
    nothing_is_left(&site);
    site.order("restart rekor1");
    assert_eq!(site.entries("rekor1"), entries + 4);
}

#[test]
fn a_log_of_rekor_2() {
    let site = Site::new();
    let words =
        format!("--signing-key cosign.key --rekor-url {REKOR_2} --trusted-root site/trusted-root.json");
    let log = FailingService {
        site: &site,
        service: "rekor2",
        who: "the transparency log at localhost:3003",
        words: &words,
        notice: LOG_2,
        releases: &LATER,
        logged: true,
    };
    log.fails(&ALIKE);
    log.fails(&[
        ("201", ODD),
        ("404", (4, "does not know the address (404)", "check the address, and the Rekor version that the trusted root or the signing config has for it")),
    ]);
    log.hangs("localhost:3003");
    site.order("restart rekor2 frozen");
    for release in LATER {
        log.signing(release, &words).fails((
            4,
            &format!("{} is frozen and accepts no more entries", log.who),
            "use the log that replaced it",
        ));
    }
    log.works_again();
    assert_eq!(site.entries("rekor2"), 4);
}

#[test]
fn a_timestamp_authority() {
    let site = Site::new();
    let words = format!(
        "--signing-key cosign.key --tlog-upload=false --timestamp-server-url {TSA} --trusted-root site/trusted-root.json"
    );
    let authority = FailingService {
        site: &site,
        service: "tsa",
        who: "the timestamp authority at localhost:3004",
        words: &words,
        notice: "",
        releases: &RELEASES,
        logged: false,
    };
    authority.fails(&ALIKE);
    authority.fails(&[("201", ODD), ("404", REFUSED)]);
    authority.hangs("localhost:3004");
    authority.works_again();

    // With a log, too, which records nothing before the timestamp.
    let both = format!(
        "--signing-key cosign.key --rekor-url {REKOR_1} --timestamp-server-url {TSA} --trusted-root site/trusted-root.json"
    );
    let entries = site.entries("rekor1");
    FailingService { words: &both, notice: LOG_1, ..authority }.fails(&[
        ("stop", NOBODY),
        ("500", BUSY),
        ("400", REFUSED),
    ]);
    assert_eq!(site.entries("rekor1"), entries);
}

#[test]
fn a_certificate_authority() {
    let site = Site::new();
    site.token("token", "person", "");
    let words = format!(
        "--keyless --identity-token token --fulcio-url {FULCIO} --rekor-url {REKOR_1} --trusted-root site/trusted-root.json"
    );
    let authority = FailingService {
        site: &site,
        service: "fulcio",
        who: "the certificate authority at localhost:5555",
        words: &words,
        notice: LOG_1,
        releases: &RELEASES,
        logged: true,
    };
    let entries = site.entries("rekor1");
    authority.fails(&ALIKE);
    authority.fails(&[("201", ODD), ("404", REFUSED)]);
    authority.hangs("localhost:3000 or localhost:5555");
    assert_eq!(site.entries("rekor1"), entries);
    authority.works_again();
}
