//! Every message a user can meet, at one glance: `snapshots/error/messages.snap`.

use lazy_core::ast::Span;
use lazy_core::error::{Error, ErrorKind, Exception, Place};

fn every_kind() -> Vec<ErrorKind> {
    let text = |s: &str| s.to_string();
    vec![
        ErrorKind::Raises {
            exception: Exception::Value,
            message: text("operands could not be broadcast together with shapes (2,) (3,)"),
        },
        ErrorKind::NeedsValue {
            construct: text("int()"),
        },
        ErrorKind::Unread {
            construct: text("yield"),
        },
        ErrorKind::UnknownCall {
            callee: text("scipy.spatial.cKDTree"),
        },
        ErrorKind::Unlifted {
            what: text("numpy.sum(where=)"),
            why: text("the mask is computed"),
        },
        ErrorKind::NotDifferentiable {
            operation: text("argsort"),
            reason: text("its result is a position, which jumps"),
        },
        ErrorKind::NonScalarLoss {
            shape: text("float64[n0]"),
        },
        ErrorKind::IntegerArgument {
            argument: text("n"),
            dtype: text("int64"),
        },
        ErrorKind::SideEffect {
            what: text("assignment to global total"),
        },
        ErrorKind::NoDensity {
            what: text("y"),
            why: text("it is drawn by shuffle"),
        },
        ErrorKind::TooLong {
            what: text("f recurses more than 100 deep"),
        },
        ErrorKind::Assumption {
            what: text("n0 == n1 does not hold"),
        },
        ErrorKind::Syntax {
            message: text("line 2, column 8: expected an operation"),
        },
        ErrorKind::Internal {
            message: text("an output was not computed"),
        },
    ]
}

#[test]
fn messages_name_place_reason_and_help() {
    let place = Place {
        file: "/home/user/model.py".into(),
        span: Span {
            line: 12,
            column: 7,
            end_line: 12,
            end_column: 18,
        },
        text: Some("    if x.sum() > 0:".into()),
    };
    let mut all = String::new();
    for kind in every_kind() {
        let message = Error::new(kind).at(place.clone()).render();
        assert!(message.lines().count() <= 12, "{message}");
        all.push_str(&message);
        all.push_str("\n\n");
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/error");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("messages", all.trim_end()));
}
