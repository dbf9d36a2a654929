//! What the pages say. Every language is one value of [`Texts`], so what is not translated does not compile.

mod english;
mod german;

use maud::{Markup, html};

use crate::parts::name;

pub(crate) use english::ENGLISH;
pub(crate) use german::GERMAN;

/// All texts of a language.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) common: Common,
    pub(crate) sign_in: SignInTexts,
    pub(crate) access: AccessTexts,
    pub(crate) consent: ConsentTexts,
    pub(crate) device: DeviceTexts,
    pub(crate) account: AccountTexts,
    pub(crate) notice: NoticeTexts,
    pub(crate) sign_out: SignOutTexts,
    pub(crate) problem: ProblemTexts,
    pub(crate) form_post: FormPostTexts,
    pub(crate) amount: AmountTexts,
}

/// A text around something that is filled in. Either side may be empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around(pub(crate) &'static str, pub(crate) &'static str);

impl Around {
    /// The sentence around a name that others have chosen, which stands out.
    pub(crate) fn name(self, inner: &str) -> Markup {
        html! { (self.0) (name(inner)) (self.1) }
    }

    /// The sentence as plain text.
    pub(crate) fn text(self, inner: &str) -> String {
        format!("{}{inner}{}", self.0, self.1)
    }
}

/// The names of a unit, for one of it and for any other number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit(pub(crate) &'static str, pub(crate) &'static str);

impl Unit {
    pub(crate) fn of(self, count: u64) -> String {
        let name = if count == 1 { self.0 } else { self.1 };
        format!("{count} {name}")
    }
}

#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) signed_in_as: &'static str,
    pub(crate) switch: &'static str,
    pub(crate) allow: &'static str,
    pub(crate) deny: &'static str,
    pub(crate) go_on: &'static str,
    pub(crate) try_again: Around,
}

#[derive(Debug)]
pub(crate) struct SignInTexts {
    pub(crate) title: &'static str,
    pub(crate) asks: Around,
    pub(crate) user_name: &'static str,
    pub(crate) password: &'static str,
    pub(crate) submit: &'static str,
    pub(crate) wrong: &'static str,
    pub(crate) expired: &'static str,
    pub(crate) or: &'static str,
    pub(crate) with: Around,
}

#[derive(Debug)]
pub(crate) struct AccessTexts {
    pub(crate) title: &'static str,
    pub(crate) at: Around,
    pub(crate) nothing: &'static str,
    pub(crate) scopes: ScopeTexts,
    pub(crate) short: ScopeTexts,
}

/// What the scopes of OpenID Connect Core 1.0 §5.4 and §11 mean.
#[derive(Debug)]
pub(crate) struct ScopeTexts {
    pub(crate) openid: &'static str,
    pub(crate) profile: &'static str,
    pub(crate) email: &'static str,
    pub(crate) address: &'static str,
    pub(crate) phone: &'static str,
    pub(crate) offline_access: &'static str,
}

#[derive(Debug)]
pub(crate) struct ConsentTexts {
    pub(crate) title: Around,
    pub(crate) sent_to: Around,
    pub(crate) later: &'static str,
}

#[derive(Debug)]
pub(crate) struct DeviceTexts {
    pub(crate) title: &'static str,
    pub(crate) enter: &'static str,
    pub(crate) compare: &'static str,
    pub(crate) code: &'static str,
    pub(crate) example: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) expired: &'static str,
    pub(crate) confirm: Around,
    pub(crate) shown: &'static str,
    pub(crate) only_if: &'static str,
    pub(crate) asked: &'static str,
    pub(crate) ago: Around,
    pub(crate) from: Around,
    pub(crate) approved: &'static str,
    pub(crate) approved_text: &'static str,
    pub(crate) denied: &'static str,
    pub(crate) denied_text: &'static str,
}

#[derive(Debug)]
pub(crate) struct AccountTexts {
    pub(crate) title: &'static str,
    pub(crate) sessions: &'static str,
    pub(crate) sessions_text: &'static str,
    pub(crate) unknown_browser: &'static str,
    pub(crate) this: &'static str,
    pub(crate) signed_in: &'static str,
    pub(crate) end: &'static str,
    pub(crate) everywhere: &'static str,
    pub(crate) grants: &'static str,
    pub(crate) grants_text: &'static str,
    pub(crate) no_grants: &'static str,
    pub(crate) since: &'static str,
    pub(crate) revoke: &'static str,
    pub(crate) consents: &'static str,
    pub(crate) consents_text: &'static str,
    pub(crate) forget: &'static str,
    pub(crate) links: &'static str,
    pub(crate) links_text: &'static str,
    pub(crate) link: Around,
    pub(crate) unlink: &'static str,
    pub(crate) password: &'static str,
    pub(crate) password_text: &'static str,
    pub(crate) current: &'static str,
    pub(crate) new: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) change: &'static str,
}

#[derive(Debug)]
pub(crate) struct NoticeTexts {
    pub(crate) password_changed: &'static str,
    pub(crate) session_ended: &'static str,
    pub(crate) grant_revoked: &'static str,
    pub(crate) consent_revoked: &'static str,
    pub(crate) linked: &'static str,
    pub(crate) unlinked: &'static str,
    pub(crate) wrong_password: &'static str,
    pub(crate) too_short: &'static str,
    pub(crate) too_long: &'static str,
    pub(crate) too_common: &'static str,
    pub(crate) is_user_name: &'static str,
    pub(crate) linked_elsewhere: &'static str,
    pub(crate) last_way: &'static str,
    pub(crate) expired: &'static str,
}

#[derive(Debug)]
pub(crate) struct SignOutTexts {
    pub(crate) title: &'static str,
    pub(crate) asks: Around,
    pub(crate) question: &'static str,
    pub(crate) submit: &'static str,
    pub(crate) stay: &'static str,
    pub(crate) done: &'static str,
    pub(crate) done_text: &'static str,
    pub(crate) return_to: Around,
}

/// What happened, and what to do about it.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

#[derive(Debug)]
pub(crate) struct ProblemTexts {
    pub(crate) unknown_client: Trouble,
    pub(crate) bad_redirect_uri: Trouble,
    pub(crate) bad_request: Trouble,
    pub(crate) expired_form: Trouble,
    pub(crate) no_cookies: Trouble,
    pub(crate) already_answered: Trouble,
    pub(crate) forbidden: Trouble,
    pub(crate) too_many_requests: Trouble,
    pub(crate) unavailable: Trouble,
    pub(crate) not_found: Trouble,
    pub(crate) upstream_failed: Trouble,
    pub(crate) not_linked: Trouble,
    pub(crate) wait: Around,
    pub(crate) start_again: &'static str,
    pub(crate) go_back: &'static str,
    pub(crate) for_developers: &'static str,
    pub(crate) request_id: &'static str,
}

#[derive(Debug)]
pub(crate) struct FormPostTexts {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

/// Amounts of time, as they are said after "in" and before "ago".
#[derive(Debug)]
pub(crate) struct AmountTexts {
    pub(crate) seconds: Unit,
    pub(crate) minutes: Unit,
    pub(crate) hours: Unit,
    pub(crate) days: Unit,
    pub(crate) months: [&'static str; 12],
}

#[cfg(test)]
mod tests {
    use crate::language::Language;

    /// The texts as lines, one for each text, by the way they are printed for debugging.
    fn lines(language: Language) -> Vec<String> {
        let printed = format!("{:#?}", language.texts());
        printed.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// The texts of a line, without the name of the field.
    fn text(line: &str) -> Option<&str> {
        let start = line.find('"')?;
        line.get(start..)
    }

    #[test]
    fn no_text_is_empty() {
        for language in Language::ALL {
            let lines = lines(language);
            for (line, next) in lines.iter().zip(lines.iter().skip(1)) {
                // One side of an `Around` may be empty, which is printed as two lines without a name.
                let is_field = line.contains(": \"");
                assert!(
                    !(is_field && line.ends_with(": \"\",")),
                    "{language:?}: {line}"
                );
                let both = text(line) == Some("\"\",") && text(next) == Some("\"\",");
                assert!(!both, "{language:?}: nothing on either side");
            }
        }
    }

    #[test]
    fn what_is_printed_has_every_text() {
        let english = lines(Language::English);
        assert!(english.iter().filter(|line| text(line).is_some()).count() > 150);
        assert_eq!(english.len(), lines(Language::German).len());
    }

    /// Words that are spelled alike in both languages are listed, so that what was copied and not translated is found.
    #[test]
    fn every_text_is_translated() {
        let same = [
            "",
            "Code",
            "Name",
            "April",
            "August",
            "September",
            "November",
        ];
        for (english, german) in lines(Language::English)
            .iter()
            .zip(&lines(Language::German))
        {
            let Some(english) = text(english) else {
                continue;
            };
            let plain = english.trim_matches(|letter: char| !letter.is_alphabetic());
            assert!(
                same.contains(&plain) || Some(english) != text(german),
                "{english}"
            );
        }
    }
}
