//! When a service or a key is valid, as the files of Sigstore write it: `{"start":"…","end":"…"}`.
//! There is no clock here: the caller gives the time.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// When something is valid: from start to end, both included. Without an end it never expires.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validity {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<Moment>,
}

impl Validity {
    /// From `start` on, without an end.
    pub(super) fn since(start: Moment) -> Self {
        Self { start: Some(start), end: None }
    }

    /// Whether there is a start.
    pub(super) fn has_start(&self) -> bool {
        self.start.is_some()
    }

    /// Whether it is valid at `time`, in seconds since 1970.
    pub(crate) fn covers(&self, time: i64) -> bool {
        self.start.as_ref().is_none_or(|start| start.seconds <= time)
            && self.end.as_ref().is_none_or(|end| time <= end.seconds)
    }
}

/// A point in time in protobuf's JSON. It is written as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub(super) struct Moment {
    text: String,
    /// Since 1970, without the fraction.
    seconds: i64,
}

impl Moment {
    /// Reads RFC 3339 in UTC with a `Z`, the one form that protobuf writes, from the year 1 on.
    /// That is Go's zero time, which means that there is no start.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (time, fraction) = text.strip_suffix('Z')?.split_at_checked(19)?;
        let fraction_is_one = match fraction.strip_prefix('.') {
            Some(digits) => (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()),
            None => fraction.is_empty(),
        };
        let shape = "0000-00-00T00:00:00";
        let fits =
            |(byte, model): (u8, u8)| if model == b'0' { byte.is_ascii_digit() } else { byte == model };
        if !fraction_is_one || !time.bytes().zip(shape.bytes()).all(fits) {
            return None;
        }
        let number = |range: std::ops::Range<usize>| time.get(range)?.parse::<i64>().ok();
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 if is_leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if year < 1 || !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        // Days since 1970, in years that begin in March, so that a leap day is the last day.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let days =
            year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
        Some(Self { text: text.into(), seconds: ((days * 24 + hour) * 60 + minute) * 60 + second })
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.text
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("a time that is not written as 2026-01-31T00:00:00Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59Z", -1),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2024-02-29T23:59:59.999999999Z", 1_709_251_199),
            ("2024-03-01T00:00:00Z", 1_709_251_200),
            ("2026-11-23T07:41:42Z", 1_795_419_702),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            let moment = Moment::parse(text).expect(text);
            assert_eq!((moment.seconds, moment.text.as_str()), (seconds, text));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "Z",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00z",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00:00+00:00",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00.1234567890Z",
            "2024-01-01T00:00:00,5Z",
            "2024-1-01T00:00:00ZZZ",
            "+024-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-04-31T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:60Z",
            "202é-01-01T00:00:0Z",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn both_ends_are_within() {
        let validity = |text: &str| serde_json::from_str::<Validity>(text).unwrap();
        for (text, inside, outside) in [
            ("{}", vec![i64::MIN, 0, i64::MAX], vec![]),
            (r#"{"start":"1970-01-01T00:00:10Z"}"#, vec![10, 11], vec![9]),
            (r#"{"end":"1970-01-01T00:00:20.5Z"}"#, vec![19, 20], vec![21]),
            (r#"{"start":"1970-01-01T00:00:10Z","end":"1970-01-01T00:00:10Z"}"#, vec![10], vec![9, 11]),
        ] {
            assert!(inside.iter().all(|time| validity(text).covers(*time)), "{text}");
            assert!(!outside.iter().any(|time| validity(text).covers(*time)), "{text}");
            assert_eq!(serde_json::to_string(&validity(text)).unwrap(), text);
        }
    }
}
