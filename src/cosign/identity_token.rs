//! An identity token: a JSON Web Token (RFC 7519) in which an OIDC issuer states who somebody is. Its
//! signature is the certificate authority's to check. Here it is told from other files, and read for the
//! reason why it may have been refused, which the authority keeps to itself. Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::printable::show;

/// The largest file in which a token is looked for, in bytes. Real ones have some 1,000.
pub(crate) const SIZE_LIMIT: u64 = 1 << 16;

/// Who a token has to be for, unless another client ID is named.
pub(crate) const AUDIENCE: &str = "sigstore";

/// An identity token. A secret: who has it can sign as that identity until it expires.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IdentityToken {
    text: String,
    claims: Claims,
}

/// What a token states, as far as it tells whose it is or why it was refused (RFC 7519, 4.1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    email: Option<String>,
    aud: Option<Audience>,
    exp: Option<i64>,
    nbf: Option<i64>,
}

/// One recipient, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl IdentityToken {
    /// Reads a token. White space around it, such as a newline at its end, is no part of it: cosign would
    /// fail with it. The error is the end of a sentence, and shows nothing of the text.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(text.trim_ascii()).map_err(|_| "holds no identity token")?;
        if text.is_empty() {
            return Err("is empty");
        }
        let mut parts = text.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("holds no identity token");
        };
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| "holds no identity token")?;
        let claims = serde_json::from_slice(&payload).map_err(|_| "holds no identity token")?;
        Ok(Self { text: text.to_owned(), claims })
    }

    /// The token itself.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Why nobody would take it at `now`, in seconds since 1970, for `audience`: a sentence.
    pub(crate) fn fault(&self, now: i64, audience: &str) -> Option<String> {
        let Claims { iss: _, sub: _, email: _, aud, exp, nbf } = &self.claims;
        let for_whom = match aud {
            None => &[][..],
            Some(Audience::One(name)) => std::slice::from_ref(name),
            Some(Audience::Several(names)) => names,
        };
        if let Some(exp) = exp.filter(|exp| *exp <= now) {
            return Some(format!("the token expired {} seconds ago: get a new one", now - exp));
        }
        if let Some(nbf) = nbf.filter(|nbf| *nbf > now) {
            return Some(format!(
                "the token counts only in {} seconds: check the clocks of this machine and of its issuer",
                nbf - now
            ));
        }
        if !for_whom.iter().any(|name| name == audience) {
            let for_whom = match for_whom {
                [] => "nobody".to_owned(),
                names => names.iter().map(|name| format!("`{}`", show(name))).collect::<Vec<_>>().join(", "),
            };
            return Some(format!("the token is for {for_whom}, and has to be for `{}`", show(audience)));
        }
        None
    }

    /// Whether it is of somebody of this name, by its e-mail address or subject, for whom this issuer
    /// vouches.
    pub(crate) fn is_of(&self, identity: &str, issuer: &str) -> bool {
        let Claims { iss, sub, email, .. } = &self.claims;
        iss.as_deref() == Some(issuer) && [sub, email].iter().any(|name| name.as_deref() == Some(identity))
    }
}

/// Never shows the token.
impl std::fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityToken").field("claims", &self.claims).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(claims), part("signature"))
    }

    #[test]
    fn white_space_around_a_token_is_no_part_of_it() {
        let text = token(r#"{"aud":"sigstore","exp":100}"#);
        let read = IdentityToken::parse(format!(" {text}\r\n").as_bytes()).unwrap();
        assert_eq!(read.text(), text);
        assert!(!format!("{read:?}").contains(&text));
    }

    #[test]
    fn a_token_is_of_its_subject_and_of_its_address() {
        let text = token(r#"{"iss":"https://id.example","sub":"dev","email":"dev@example.test"}"#);
        let read = IdentityToken::parse(text.as_bytes()).unwrap();
        for (identity, issuer, is) in [
            ("dev", "https://id.example", true),
            ("dev@example.test", "https://id.example", true),
            ("other", "https://id.example", false),
            ("dev", "https://other.example", false),
        ] {
            assert_eq!(read.is_of(identity, issuer), is, "{identity} {issuer}");
        }
    }

    #[test]
    fn everything_else_is_no_token() {
        let none = "holds no identity token";
        let cut = token("{");
        for (text, why) in [
            ("", "is empty"),
            ("\n", "is empty"),
            ("a.b", none),
            ("a.b.c.d", none),
            ("a.!.c", none),
            (cut.as_str(), none),
            ("\u{fffd}.e30.c\u{fffd}.", none),
        ] {
            assert_eq!(IdentityToken::parse(text.as_bytes()).unwrap_err(), why, "{text}");
        }
        assert_eq!(IdentityToken::parse(b"\xff").unwrap_err(), none);
    }

    #[test]
    fn what_is_wrong_with_a_token_is_told() {
        for (claims, fault) in [
            (r#"{"aud":"sigstore","exp":101,"nbf":100}"#, None),
            (r#"{"aud":["other","sigstore"],"exp":101}"#, None),
            (r#"{"aud":"sigstore"}"#, None),
            (r#"{"aud":"sigstore","exp":40}"#, Some("the token expired 60 seconds ago: get a new one")),
            (
                r#"{"aud":"sigstore","exp":200,"nbf":130}"#,
                Some(
                    "the token counts only in 30 seconds: check the clocks of this machine and of its issuer",
                ),
            ),
            (
                r#"{"aud":["a","b\n"],"exp":200}"#,
                Some(r"the token is for `a`, `b\u{a}`, and has to be for `sigstore`"),
            ),
            (r#"{"exp":200}"#, Some("the token is for nobody, and has to be for `sigstore`")),
        ] {
            let read = IdentityToken::parse(token(claims).as_bytes()).unwrap();
            assert_eq!(read.fault(100, AUDIENCE).as_deref(), fault, "{claims}");
        }
    }
}
