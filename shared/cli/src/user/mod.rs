//! `tokensmith user …`

mod claims;
mod displayed;
mod password;

use clap::{Args, Subcommand};
use serde_json::json;
use tokensmith_issuer::admin::{Changed, Ending, NewUser, UserError};
use tokensmith_issuer::names::{SubjectName, UserName};
use tokensmith_issuer::store::StoreError;
use tokensmith_issuer::store::records::User;

use crate::Failure;
use crate::consent::{Change, Consent};
use crate::data::{Data, OpenData};
use crate::list::{ListOptions, ListPrinter};
use claims::{Claims, Difference};
use displayed::{DisplayedSession, DisplayedUser};
use password::PasswordOptions;

#[derive(Subcommand)]
pub enum Command {
    /// Make a user who can sign in, and print the subject (`sub`) that clients know the user by
    ///
    /// The password is asked for on the terminal. It has at least 8 characters and at most 256 bytes; it is neither the user name nor one that is tried
    /// first.
    Create {
        /// What the user signs in with, in upper or lower case; up to 128 characters
        #[arg(value_name = "NAME")]
        name: UserName,
        #[command(flatten)]
        password: PasswordOptions,
        /// Make the user without a password: `user set-password` gives one later
        #[arg(long, conflicts_with = "password_stdin")]
        no_password: bool,
        #[command(flatten)]
        claims: Claims,
        #[command(flatten)]
        data: Data,
    },
    /// List users, sorted by subject
    ///
    /// A user who was made a moment ago may be missing in a table in AWS.
    List {
        /// Begin behind this subject
        #[arg(long, value_name = "SUBJECT")]
        after: Option<SubjectName>,
        /// Only users that are disabled (true) or not (false)
        #[arg(long, value_name = "BOOL")]
        disabled: Option<bool>,
        #[command(flatten)]
        options: ListOptions,
        #[command(flatten)]
        data: Data,
    },
    /// Show one user
    Show(Named),
    /// Change what is known about a user
    ///
    /// What is not named stays as it is. An e-mail address or phone number that changes is not verified any more, unless that is said.
    Update {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        claims: Claims,
        #[command(flatten)]
        difference: Difference,
    },
    /// Let a disabled user sign in again; what ended when the user was disabled stays ended
    Enable(Named),
    /// Keep a user from signing in, and end all sessions, grants and tokens
    Disable(Ended),
    /// Give a user another password, and end all sessions
    ///
    /// The password is asked for on the terminal. What the user has given clients for offline access stays: `revoke --subject` ends it.
    SetPassword {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        password: PasswordOptions,
    },
    /// List the browsers in which a user is signed in, or sign the user out
    ///
    /// One that was signed in a moment ago may be missing in a table in AWS.
    Sessions {
        #[command(flatten)]
        named: Named,
        /// End this session
        #[arg(long, value_name = "ID", conflicts_with = "end_all")]
        end: Option<String>,
        /// End all sessions
        #[arg(long)]
        end_all: bool,
        #[command(flatten)]
        options: ListOptions,
        #[command(flatten)]
        consent: Consent,
    },
    /// Delete a user, and end all sessions, grants and tokens; the name can be used again, the subject never
    Delete(Ended),
}

/// One existing user.
#[derive(Args)]
pub struct Named {
    /// The user's name, or subject
    #[arg(value_name = "NAME")]
    who: String,
    #[command(flatten)]
    data: Data,
}

/// One existing user, of whom something ends.
#[derive(Args)]
pub struct Ended {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    consent: Consent,
}

impl Ended {
    /// The open data, if the operator consents.
    async fn open(&self, what: &str) -> Result<Option<OpenData>, Failure> {
        self.consent.check()?;
        let (data, who) = (self.named.data.open().await?, &self.named.who);
        let what = format!("{what} the user {who}");
        let ending = data.admin().ending_of_user(who);
        let given = agreed(&self.consent, &data, &what, ending).await?;
        Ok(given.then_some(data))
    }
}

async fn agreed(
    consent: &Consent,
    data: &OpenData,
    what: &str,
    ending: impl Future<Output = Result<Ending, UserError>>,
) -> Result<bool, Failure> {
    let change = Change::new(what, "what the user is doing now");
    consent.given(data, &change, ending).await
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create {
            name,
            password,
            no_password,
            claims,
            data,
        } => {
            let hash = match no_password {
                true => None,
                false => Some(password.read(&name)?.hash().await?),
            };
            let data = data.open().await?;
            let wanted = NewUser {
                name,
                password: hash,
                claims: claims.into_map(),
            };
            let changed = data.admin().create_user(wanted).await?;
            print_user(&data, &changed)
        }
        Command::List {
            after,
            disabled,
            options,
            data,
        } => list(after.as_ref(), disabled, &options, &data).await,
        Command::Show(named) => {
            let data = named.data.open().await?;
            let user = data.admin().user(&named.who).await?;
            data.print(&DisplayedUser::new(&user))
        }
        Command::Update {
            named,
            claims,
            difference,
        } => {
            let data = named.data.open().await?;
            let changes = difference.with(claims);
            let changed = data.admin().update_user(&named.who, &changes).await?;
            print_user(&data, &changed)
        }
        Command::Enable(named) => {
            let data = named.data.open().await?;
            let changed = data.admin().enable_user(&named.who).await?;
            print_user(&data, &changed)
        }
        Command::Disable(ended) => {
            let Some(data) = ended.open("disable").await? else {
                return Ok(());
            };
            let changed = data.admin().disable_user(&ended.named.who).await?;
            print_user(&data, &changed)
        }
        Command::SetPassword { named, password } => set_password(&named, &password).await,
        Command::Sessions {
            named,
            end,
            end_all,
            options,
            consent,
        } => match (end, end_all) {
            (Some(id), _) => end_one(&named, &id).await,
            (None, true) => end_all_of(&named, &consent).await,
            (None, false) => sessions(&named, &options).await,
        },
        Command::Delete(ended) => {
            let Some(data) = ended.open("delete").await? else {
                return Ok(());
            };
            let changed = data.admin().delete_user(&ended.named.who).await?;
            let answer = json!({ "deleted": changed.outcome });
            data.print_changed(&answer, changed.effective_by)
        }
    }
}

async fn list(
    after: Option<&SubjectName>,
    disabled: Option<bool>,
    options: &ListOptions,
    data: &Data,
) -> Result<(), Failure> {
    let mut printer = ListPrinter::new(options, data.field());
    let data = data.open().await?;
    let is_wanted = |user: &User| disabled.is_none_or(|disabled| user.disabled == disabled);
    let mut pages = data.admin().list_users(after);
    while !printer.is_full()
        && let Some(page) = pages.next().await?
    {
        printer.records(&page, is_wanted, DisplayedUser::new)?;
    }
    printer.finish()
}

async fn set_password(named: &Named, password: &PasswordOptions) -> Result<(), Failure> {
    let data = named.data.open().await?;
    let user = data.admin().user(&named.who).await?;
    let hash = password.read(&user.name)?.hash().await?;
    let changed = data
        .admin()
        .set_password(user.subject.as_str(), hash)
        .await?;
    print_user(&data, &changed)
}

async fn sessions(named: &Named, options: &ListOptions) -> Result<(), Failure> {
    let mut printer = ListPrinter::new(options, named.data.field());
    let data = named.data.open().await?;
    let sessions = data.admin().sessions(&named.who).await?;
    let shown = sessions.iter().map(DisplayedSession::new);
    printer.page(shown.map(Ok::<_, StoreError>))?;
    printer.finish()
}

async fn end_one(named: &Named, id: &str) -> Result<(), Failure> {
    let data = named.data.open().await?;
    let changed = data.admin().end_session(&named.who, id).await?;
    let answer = json!({ "ended": id, "subject": changed.outcome.subject });
    data.print_changed(&answer, changed.effective_by)
}

async fn end_all_of(named: &Named, consent: &Consent) -> Result<(), Failure> {
    consent.check()?;
    let (data, who) = (named.data.open().await?, &named.who);
    let what = format!("sign out the user {who} everywhere");
    let ending = data.admin().ending_of_sessions(who);
    if !agreed(consent, &data, &what, ending).await? {
        return Ok(());
    }
    let changed = data.admin().end_sessions(who).await?;
    print_user(&data, &changed)
}

/// Prints a user as it is after a change.
fn print_user(data: &OpenData, changed: &Changed<User>) -> Result<(), Failure> {
    let displayed = DisplayedUser::new(&changed.outcome);
    data.print_changed(&displayed, changed.effective_by)
}
