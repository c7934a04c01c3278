//! The command line: definitions, and one small function per subcommand.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand, ValueEnum};

use crate::clock::{Clock, SystemClock};
use crate::control::api::{DEFAULT_EVENTS, WhyQuery};
use crate::control::{ControlClient, locations, openapi};
use crate::units::ClientName;
use error::Failed;

mod acquire;
mod activity;
mod advise;
mod by_hand;
mod check;
mod client_name;
mod days;
mod embed;
mod error;
mod import;
mod instants;
mod log;
mod offline;
mod output;
mod plan;
mod regions;
mod reload;
mod requests;
mod run;
mod serve;
mod session;
mod simulate;
mod snooze;
mod spend;
mod status;
mod why;

const EXIT_STATUS: &str = "Exit status: 0 done; 1 error; 2 `plan` has changes to make, or the \
    command line is wrong; 78 `run` was given a policy that cannot be used.";

/// Keeps the remote rendering sessions that a policy asks for, and nothing else billing
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = EXIT_STATUS,
    disable_help_subcommand = false,
    propagate_version = true
)]
pub struct Cli {
    /// The daemon's control socket
    #[arg(long, global = true, env = "LEASEKEEPER_SOCKET", value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Log details too
    #[arg(short, long, global = true)]
    verbose: bool,
    /// How log lines are written
    #[arg(long, global = true, value_enum, default_value = "text")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: keep what the policy asks for until a signal ends it
    ///
    /// SIGTERM and SIGINT end it cleanly and say what is left running and until when. SIGHUP
    /// reloads the policy, as `leasekeeper reload` does; a broken one is refused and the old one
    /// stays in force.
    Run {
        /// The policy file
        #[arg(long, value_name = "FILE")]
        policy: PathBuf,
        /// One pass (observe, plan, execute, record), then the end
        #[arg(long)]
        once: bool,
    },
    /// Check a policy file, touching nothing
    ///
    /// Shows every problem and every warning with its line, and the most that the policy can cost.
    /// Exit status 0 where it can be used, 1 where it cannot.
    ///
    /// Of the keys of a pool: `idle_timeout` is 30m unless it says otherwise, and "never" for who
    /// means it; `unknown_limit` is how long an activity source that cannot say counts as use;
    /// `renamed_from` carries sessions, holds and spend over from the pool's former name.
    Check {
        /// The policy file
        file: PathBuf,
        /// Exit status 1 where there are warnings too
        #[arg(long)]
        strict: bool,
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Show what the next pass would do, and why, changing nothing
    ///
    /// Asks the daemon; with --policy, reads that policy, its ledger and the service instead, as a
    /// daemon that starts now would. Exit status 0 where there is nothing to do, 2 where there is,
    /// 1 on an error.
    Plan {
        /// Plan this policy without a daemon, or beside one to see what a change would do
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Have the daemon read its policy again, and show what that changes
    ///
    /// A policy that cannot be used is refused, and the one in force stays. So is one that would
    /// stop sessions that clients hold, unless that is accepted; stops for a budget or for want of
    /// use are no reason to refuse one.
    Reload {
        /// Take the policy even if it stops sessions that clients hold
        #[arg(long)]
        accept: bool,
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Show slots, sessions and budgets
    Status {
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        /// Show it again every two seconds
        #[arg(long)]
        watch: bool,
    },
    /// Tell the daemon that somebody works: a heartbeat, which also wakes a parked pool
    Touch {
        /// A pool, a slot (pool/0) or a session
        target: String,
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Keep slots empty until they are woken; live sessions in them are stopped
    Park {
        /// A pool or a slot (pool/0)
        target: String,
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Let slots be filled again
    Wake {
        /// A pool or a slot (pool/0)
        target: String,
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Hold a Ready session of a pool for a client
    ///
    /// Prints the session, its address and the hold. Where none is free the client gets a place in
    /// the queue, first come, first served; with --wait it stays there until it is served.
    #[command(after_help = acquire::EXIT_STATUS)]
    Acquire(acquire::AcquireArgs),
    /// Stay: let a hold go on for a while, whatever would end it
    ///
    /// Not beyond what schedule and budgets allow.
    Snooze(snooze::SnoozeArgs),
    /// Give a held session back
    Release {
        /// The hold or the session
        held: String,
        /// The client's name for itself, as it acquired it [default: USER@MACHINE]
        #[arg(long)]
        client: Option<ClientName>,
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Show what sessions cost: this month's, or those of the days named
    Spend(spend::SpendArgs),
    /// Show what keeps the session of a slot, and what happened to the slot, newest first
    ///
    /// First what each activity source last said of a session; in JSON only `status` has that.
    /// Then the events, with reasons and numbers.
    Why {
        /// A slot (pool/0) or a pool
        slot: String,
        /// How many events
        #[arg(long, default_value_t = DEFAULT_EVENTS)]
        limit: usize,
        /// How to print it
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Speak to the session service by hand
    Session(session::SessionArgs),
    /// Print the policy that corresponds to the arrconfig.json of Microsoft's sample scripts
    ///
    /// The account key is not printed. With --key-file it is written to a file of its own, which
    /// the policy then names.
    Import {
        /// The arrconfig.json
        file: PathBuf,
        /// Write the account key to this new file, mode 0600
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
    },
    /// Measure how far away each region is, and print them closest first
    Regions(regions::RegionsArgs),
    /// Tell what a policy would have done, and what it would have cost, before it is deployed
    ///
    /// Runs the real decisions on virtual time, against a simulated service and the visits of a
    /// usage, and touches nothing. A policy's service, credentials and sockets are not used.
    Simulate(simulate::SimulateArgs),
    /// Advise on a pool's idle time-out and spares, by its own history
    ///
    /// Replays the visits that the ledger knows with every combination, and tells what each would
    /// have cost, how long clients would have waited, and how often a session would have ended
    /// under somebody. Names the knee: where more money begins to save little waiting.
    Advise(advise::AdviseArgs),
    /// Print the control API as an OpenAPI 3.1 document; no daemon is needed
    Openapi,
    /// Run the session service alone
    Serve(serve::ServeArgs),
}

/// Runs one command.
pub async fn main(cli: Cli) -> ExitCode {
    log::init(cli.log_format, cli.verbose);
    match dispatch(cli).await {
        Ok(code) => ExitCode::from(code),
        Err(failed) => failed.report(),
    }
}

async fn dispatch(cli: Cli) -> Result<u8, Failed> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let socket = cli.socket.clone().unwrap_or_else(locations::default_socket);
    let control = || ControlClient::at(&socket);
    match cli.command {
        Command::Run { policy, once } => {
            let options = run::RunOptions {
                policy,
                once,
                socket: cli.socket.clone(),
            };
            match run::run(options, clock).await {
                Ok(()) => Ok(0),
                Err(error) => Err(Failed::with_code(error.exit_code(), error)),
            }
        }
        Command::Check {
            file,
            strict,
            format,
        } => check::check(&file, strict, format, clock),
        Command::Plan { policy, format } => {
            let planned = match policy {
                None => control()?.plan().await?,
                Some(policy) => offline::plan(&policy, clock).await?,
            };
            Ok(plan::show(&planned, format)?)
        }
        Command::Reload { accept, format } => reload::reload(&control()?, accept, format).await,
        Command::Status { format, watch } => status::status(&control()?, format, watch).await,
        Command::Touch { target, format } => requests::touch(&control()?, target, format).await,
        Command::Park { target, format } => requests::park(&control()?, target, format).await,
        Command::Wake { target, format } => requests::wake(&control()?, target, format).await,
        Command::Acquire(args) => acquire::acquire(&control()?, args, &*clock).await,
        Command::Release {
            held,
            client,
            format,
        } => requests::release(&control()?, &held, client, format).await,
        Command::Snooze(args) => snooze::snooze(&control()?, args).await,
        Command::Spend(args) => spend::spend(args, control, clock).await,
        Command::Why {
            slot,
            limit,
            format,
        } => why::why(&control()?, &WhyQuery { slot, limit }, format).await,
        Command::Session(args) => session::session(args, clock).await,
        Command::Import { file, key_file } => import::import(&file, key_file.as_deref()),
        Command::Regions(args) => regions::regions(args).await,
        Command::Simulate(args) => simulate::simulate(&args, &*clock),
        Command::Advise(args) => advise::advise(&args),
        Command::Openapi => {
            output::json(&openapi::document())?;
            Ok(0)
        }
        Command::Serve(args) => serve::serve(args, clock).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
