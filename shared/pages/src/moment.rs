//! When something was, and how long something takes.

use maud::{Markup, html};

use crate::language::Language;

/// A moment, which is shown in UTC: without a script, nobody here knows the time zone of a person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Moment(u64);

impl Moment {
    /// The moment that is this many seconds after 1970.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    pub(crate) fn shown(self, language: Language) -> Markup {
        let (year, month, day) = civil(self.0 / DAY);
        let (hour, minute) = (self.0 % DAY / HOUR, self.0 % HOUR / MINUTE);
        let month_name = usize::try_from(month - 1)
            .ok()
            .and_then(|index| language.texts().amount.months.get(index))
            .unwrap_or(&"");
        let dot = match language {
            Language::English => "",
            Language::German => ".",
        };
        let machine = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}Z");
        html! {
            time datetime=(machine) {
                (day) (dot) " " (month_name) " " (year) ", " (format!("{hour:02}:{minute:02}")) " UTC"
            }
        }
    }
}

/// A length of time in the largest unit that fits, rounded down, as it is said after "ago" ("vor").
pub(crate) fn elapsed(seconds: u64, language: Language) -> String {
    let texts = &language.texts().amount;
    let (count, unit) = match seconds {
        0..MINUTE => (seconds, texts.seconds),
        MINUTE..HOUR => (seconds / MINUTE, texts.minutes),
        HOUR..DAY => (seconds / HOUR, texts.hours),
        DAY.. => (seconds / DAY, texts.days),
    };
    unit.of(count)
}

/// A length of time to wait: nobody is told to come back too early.
pub(crate) fn wait(seconds: u64, language: Language) -> String {
    let unit = match seconds {
        0..MINUTE => 1,
        MINUTE..HOUR => MINUTE,
        HOUR..DAY => HOUR,
        DAY.. => DAY,
    };
    elapsed(seconds.max(1).div_ceil(unit).saturating_mul(unit), language)
}

/// Year, month and day of a count of days since 1970 (the proleptic Gregorian calendar).
fn civil(days: u64) -> (u64, u64, u64) {
    // Years begin in March here, so that the leap day is the last day of one: 719,468 days lie between
    // 0000-03-01 and 1970-01-01, and 146,097 are in 400 years.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_shown_as_the_calendar_has_it() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(11_017), (2000, 3, 1));
        assert_eq!(civil(20_786), (2026, 11, 29));
        assert_eq!(civil(47_540), (2100, 2, 28));
        assert_eq!(civil(47_541), (2100, 3, 1));
    }

    #[test]
    fn a_moment_is_said_in_each_language() {
        let moment = Moment::from_seconds(20_786 * DAY + 9 * HOUR + 5 * MINUTE + 59);
        assert_eq!(
            moment.shown(Language::English).into_string(),
            "<time datetime=\"2026-11-29T09:05Z\">29 November 2026, 09:05 UTC</time>"
        );
        assert_eq!(
            moment.shown(Language::German).into_string(),
            "<time datetime=\"2026-11-29T09:05Z\">29. November 2026, 09:05 UTC</time>"
        );
    }

    #[test]
    fn who_has_to_wait_is_not_told_to_come_back_too_early() {
        assert_eq!(wait(0, Language::English), "1 second");
        assert_eq!(wait(1, Language::English), "1 second");
        assert_eq!(wait(30, Language::German), "30 Sekunden");
        assert_eq!(wait(61, Language::English), "2 minutes");
        assert_eq!(wait(59 * MINUTE + 1, Language::German), "1 Stunde");
        assert_eq!(elapsed(119, Language::English), "1 minute");
        assert_eq!(elapsed(26 * HOUR, Language::German), "1 Tag");
    }
}
