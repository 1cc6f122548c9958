//! What may be shown of a value that may hold a password.

/// What stands in place of whatever is not shown.
const HIDDEN: &str = "***";

/// The parameters of a URL whose values are shown. Any other may be a secret under a name that we do not know.
const PLAIN_PARAMETERS: [&str; 12] = [
    "application_name",
    "connect_timeout",
    "dbname",
    "host",
    "port",
    "protocol",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "tls",
    "user",
];

/// `text` with the password of a URL, and every parameter that is not known to be harmless, left out.
///
/// A password that was not escaped may hold any of `:/?#@`. What is hidden then reaches up to the last `@`, or is
/// everything, when it cannot be told where the password ends: more than the password, never less.
pub(super) fn url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        // `host:port` has nothing to hide, and with an `@` it is no such thing.
        return if text.contains('@') {
            HIDDEN.to_owned()
        } else {
            text.to_owned()
        };
    };
    if rest
        .find(['?', '#'])
        .is_some_and(|at| rest[at..].contains('@'))
    {
        return format!("{scheme}://{HIDDEN}");
    }
    let (login, rest) = match rest.rsplit_once('@') {
        Some((login, rest)) => (Some(login), rest),
        None => (None, rest),
    };
    let mut shown = format!("{scheme}://");
    if let Some(login) = login {
        match login.split_once(':') {
            Some((user, _)) => shown.push_str(&format!("{user}:{HIDDEN}@")),
            None => shown.push_str(&format!("{login}@")),
        }
    }
    let (rest, fragment) = match rest.split_once('#') {
        Some((rest, _)) => (rest, true),
        None => (rest, false),
    };
    let (address, query) = match rest.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (rest, None),
    };
    shown.push_str(address);
    if let Some(query) = query {
        let parameters: Vec<String> = query.split('&').map(parameter).collect();
        shown.push('?');
        shown.push_str(&parameters.join("&"));
    }
    if fragment {
        shown.push('#');
        shown.push_str(HIDDEN);
    }
    shown
}

fn parameter(text: &str) -> String {
    match text.split_once('=') {
        Some((name, _)) if PLAIN_PARAMETERS.contains(&name) => text.to_owned(),
        Some((name, _)) => format!("{name}={HIDDEN}"),
        None => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_are_hidden_and_the_rest_is_shown() {
        for (text, shown) in [
            ("127.0.0.1:6379", "127.0.0.1:6379"),
            ("redis://:secret@h:1/2", "redis://:***@h:1/2"),
            ("redis://h:1/2", "redis://h:1/2"),
            ("postgres://u@h/db", "postgres://u@h/db"),
            (
                "postgres://u:p:q@h/db?sslmode=require",
                "postgres://u:***@h/db?sslmode=require",
            ),
            (
                "postgres:///db?host=/run/postgresql&password=x",
                "postgres:///db?host=/run/postgresql&password=***",
            ),
            ("redis://u:a@b/c@h/0", "redis://u:***@h/0"),
            ("redis://u:a?b@h/0", "redis://***"),
            ("postgres://h:5432/db?password=a@b", "postgres://***"),
            (
                "smtp://u:p@h:25?tls=required",
                "smtp://u:***@h:25?tls=required",
            ),
            ("file:///var/mail", "file:///var/mail"),
            ("secret@h:6379", "***"),
            ("rediss://h/0#secret", "rediss://h/0#***"),
        ] {
            assert_eq!(url(text), shown);
        }
    }

    proptest! {
        #[test]
        fn no_password_is_ever_shown(password in "[!-~]{0,8}SECRET[!-~]{0,8}") {
            let shown = url(&format!("postgres://user:{password}@host/db?sslmode=require"));
            prop_assert!(!shown.contains("SECRET"), "{}", shown);
        }

        #[test]
        fn no_password_among_the_parameters_is_ever_shown(password in "[!-%\\'-~]{0,8}") {
            let shown = url(&format!("postgres://h:1/db?host=a&password=SECRET{password}SECRET"));
            prop_assert!(!shown.contains("SECRET"), "{}", shown);
        }

        #[test]
        fn no_text_is_a_reason_to_panic(text in "(://|[:/?#@&=a-z]|.){0,40}") {
            url(&text);
        }
    }
}
