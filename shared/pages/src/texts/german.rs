//! The texts in German.

use super::*;

pub(crate) static GERMAN: Texts = Texts {
    common: Common {
        signed_in_as: "Angemeldet als",
        switch: "Nicht Sie? Anderes Konto verwenden",
        allow: "Erlauben",
        deny: "Ablehnen",
        go_on: "Weiter",
        try_again: Around(
            "Zu viele Versuche. Bitte versuchen Sie es in ",
            " noch einmal.",
        ),
    },
    sign_in: SignInTexts {
        title: "Anmelden",
        asks: Around("weiter zu ", ""),
        user_name: "Benutzername",
        password: "Passwort",
        submit: "Anmelden",
        wrong: "Benutzername oder Passwort ist falsch. Bitte prüfen Sie beides und versuchen Sie es \
                noch einmal.",
        expired: "Diese Seite war zu lange offen. Bitte melden Sie sich noch einmal an.",
        or: "oder",
        with: Around("Weiter mit ", ""),
    },
    access: AccessTexts {
        title: "Gewünschter Zugriff",
        at: Around("Bei ", ""),
        nothing: "Nichts, außer dass Sie sich angemeldet haben",
        scopes: ScopeTexts {
            openid: "Wer Sie sind: eine Kennung Ihres Kontos",
            profile: "Ihr Profil, etwa Name, Bild und Sprache",
            email: "Ihre E-Mail-Adresse",
            address: "Ihre Postanschrift",
            phone: "Ihre Telefonnummer",
            offline_access: "All das auch in Ihrer Abwesenheit, bis Sie es beenden",
        },
        short: ScopeTexts {
            openid: "Identität",
            profile: "Profil",
            email: "E-Mail-Adresse",
            address: "Postanschrift",
            phone: "Telefonnummer",
            offline_access: "In Ihrer Abwesenheit",
        },
    },
    consent: ConsentTexts {
        title: Around("Darf ", " Ihr Konto verwenden?"),
        sent_to: Around("In jedem Fall geht es danach weiter zu ", "."),
        later: "Sie können diesen Zugriff jederzeit auf der Seite Ihres Kontos beenden.",
    },
    device: DeviceTexts {
        title: "Gerät verbinden",
        enter: "Geben Sie den Code ein, den Ihr Gerät anzeigt.",
        compare: "Zeigt Ihr Gerät diesen Code an?",
        code: "Code",
        example: "Acht Buchstaben, zum Beispiel BCDF-GHJK",
        unknown: "Zu diesem Code gibt es kein Gerät. Bitte vergleichen Sie ihn mit Ihrem Gerät; ein \
                  Code gilt zehn Minuten lang.",
        expired: "Dieser Code ist abgelaufen. Bitte beginnen Sie auf Ihrem Gerät von vorn.",
        confirm: Around("", " auf einem Gerät erlauben?"),
        shown: "Das Gerät zeigt diesen Code an:",
        only_if: "Fahren Sie nur fort, wenn Sie dies selbst begonnen haben und das Gerät vor Ihnen \
                  ist. Lehnen Sie ab, wenn jemand Ihnen den Code oder den Link geschickt hat.",
        asked: "Angefragt",
        ago: Around("vor ", ""),
        from: Around("von ", ""),
        approved: "Ihr Gerät ist verbunden",
        approved_text: "Dort geht es von selbst weiter. Sie können diese Seite schließen.",
        denied: "Zugriff abgelehnt",
        denied_text: "Das Gerät erhält keinen Zugriff. Sie können diese Seite schließen.",
    },
    account: AccountTexts {
        title: "Ihr Konto",
        sessions: "Wo Sie angemeldet sind",
        sessions_text: "Beenden Sie, was Sie nicht kennen, und ändern Sie dann Ihr Passwort.",
        unknown_browser: "Unbekannter Browser",
        this: "Dieser Browser",
        signed_in: "Angemeldet am",
        end: "Abmelden",
        everywhere: "Überall abmelden",
        grants: "Was Zugriff auf Ihr Konto hat",
        grants_text: "Ein Zugriff endet sofort, wenn Sie ihn entfernen.",
        no_grants: "Nichts hat Zugriff auf Ihr Konto.",
        since: "Seit",
        revoke: "Zugriff entfernen",
        consents: "Was Sie erlaubt haben",
        consents_text: "Danach werden Sie nicht mehr gefragt, bis Sie es entfernen.",
        forget: "Wieder fragen",
        links: "Andere Wege zur Anmeldung",
        links_text: "Konten anderswo, mit denen Sie sich anmelden können.",
        link: Around("", " verbinden"),
        unlink: "Trennen",
        password: "Passwort",
        password_text: "Ein neues Passwort meldet Sie überall sonst ab.",
        current: "Jetziges Passwort",
        new: "Neues Passwort",
        rule: "Mindestens 8 Zeichen. Gut sind ein paar Wörter ohne Zusammenhang.",
        change: "Passwort ändern",
    },
    notice: NoticeTexts {
        password_changed: "Ihr Passwort ist geändert, und Sie sind überall sonst abgemeldet.",
        session_ended: "Der andere Browser ist abgemeldet.",
        grant_revoked: "Der Zugriff ist entfernt.",
        consent_revoked: "Sie werden wieder gefragt.",
        linked: "Das Konto ist verbunden.",
        unlinked: "Das Konto ist nicht mehr verbunden.",
        wrong_password: "Das jetzige Passwort ist falsch. Ihr Passwort ist nicht geändert.",
        too_short: "Das neue Passwort ist zu kurz. Es braucht mindestens 8 Zeichen.",
        too_long: "Das neue Passwort ist zu lang.",
        too_common: "Das neue Passwort gehört zu denen, die zuerst geraten werden. Bitte wählen Sie \
                     ein anderes.",
        is_user_name: "Das neue Passwort darf nicht Ihr Benutzername sein.",
        linked_elsewhere: "Dieses Konto ist hier schon mit einem anderen Konto verbunden.",
        last_way: "Nur so können Sie sich anmelden, deshalb bleibt es verbunden.",
        expired: "Diese Seite war zu lange offen, und nichts ist geändert. Bitte versuchen Sie es \
                  noch einmal.",
    },
    sign_out: SignOutTexts {
        title: "Abmelden?",
        asks: Around("", " möchte Sie abmelden."),
        question: "Möchten Sie sich abmelden?",
        submit: "Abmelden",
        stay: "Angemeldet bleiben",
        done: "Sie sind abgemeldet",
        done_text: "Sie können diese Seite schließen.",
        return_to: Around("Zurück zu ", ""),
    },
    problem: ProblemTexts {
        unknown_client: Trouble {
            title: "Unbekannte Anwendung",
            text: "Die Anwendung, von der Sie kommen, ist hier nicht bekannt. Gehen Sie zurück und \
                   sagen Sie denen Bescheid, die sie betreiben.",
        },
        bad_redirect_uri: Trouble {
            title: "Unsicherer Rückweg",
            text: "Die Anwendung, von der Sie kommen, will Sie zu einer Adresse schicken, die sie nicht \
                   angemeldet hat. Deshalb bleiben Sie hier. Gehen Sie zurück und sagen Sie denen \
                   Bescheid, die sie betreiben.",
        },
        bad_request: Trouble {
            title: "Das funktioniert nicht",
            text: "Die Anfrage, mit der Sie kommen, ist nicht verständlich. Gehen Sie zurück und \
                   versuchen Sie es noch einmal. Hilft das nicht, sagen Sie denen Bescheid, die die \
                   Anwendung betreiben.",
        },
        expired_form: Trouble {
            title: "Diese Seite ist abgelaufen",
            text: "Sie war zu lange offen, oder Sie haben sich seitdem an- oder abgemeldet. Es ist \
                   nichts geschehen.",
        },
        no_cookies: Trouble {
            title: "Ihr Browser behält keine Cookies",
            text: "Die Anmeldung braucht ein Cookie. Erlauben Sie Cookies für diese Seite, oder öffnen \
                   Sie den Link in dem Browser, in dem Sie begonnen haben.",
        },
        already_answered: Trouble {
            title: "Schon beantwortet",
            text: "Sie haben diese Anfrage schon beantwortet, vielleicht in einem anderen Tab. Gehen \
                   Sie zurück zur Anwendung.",
        },
        forbidden: Trouble {
            title: "Nicht erlaubt",
            text: "Ihr Konto darf das nicht. Fragen Sie die Stelle, die Ihr Konto verwaltet.",
        },
        too_many_requests: Trouble {
            title: "Zu viele Versuche",
            text: "Das wurde zu oft versucht.",
        },
        unavailable: Trouble {
            title: "Kurz außer Betrieb",
            text: "Das liegt nicht an Ihnen. Bitte versuchen Sie es in einer Minute noch einmal.",
        },
        not_found: Trouble {
            title: "Hier ist nichts",
            text: "Diese Seite gibt es nicht. Bitte prüfen Sie die Adresse.",
        },
        upstream_failed: Trouble {
            title: "Die Anmeldung ist gescheitert",
            text: "Der andere Dienst hat nicht bestätigt, wer Sie sind. Sie sind nicht angemeldet.",
        },
        not_linked: Trouble {
            title: "Kein Konto ist verbunden",
            text: "Mit dem Konto, mit dem Sie sich angemeldet haben, ist hier keines verbunden. Melden \
                   Sie sich zuerst hier an und verbinden Sie es auf der Seite Ihres Kontos.",
        },
        wait: Around("Bitte versuchen Sie es in ", " noch einmal."),
        start_again: "Von vorn beginnen",
        go_back: "Um von vorn zu beginnen, gehen Sie zurück zu der Anwendung, von der Sie kommen.",
        for_developers: "Für Entwickler",
        request_id: "Nummer der Anfrage",
    },
    form_post: FormPostTexts {
        title: "Einen Moment",
        text: "Sie werden zur Anwendung zurückgeschickt. Geschieht nichts, geht es hier weiter.",
    },
    amount: AmountTexts {
        seconds: Unit("Sekunde", "Sekunden"),
        minutes: Unit("Minute", "Minuten"),
        hours: Unit("Stunde", "Stunden"),
        days: Unit("Tag", "Tagen"),
        months: [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ],
    },
};
