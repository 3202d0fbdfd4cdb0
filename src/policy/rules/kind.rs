//! What kind of value a condition comes to, found out with the configuration rather than at some request.
//!
//! The interpreter itself is asked: a call of which the kinds of all arguments are known is made once, with a sample of
//! each. So nothing here has to list what can be compared, added or called, and nothing can differ from what requests
//! meet. What a key's metadata holds is not known before one asks; it may be anything.

use super::{Mistake, VARIABLES};
use crate::config::nearest::nearest;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr, operators};
use cel::{Context, ExecutionError, IdedExpr, Value};
use std::collections::HashMap;

/// Deepest nesting; the interpreter follows it on the stack, of which a Wasm module has little.
const MAX_DEPTH: usize = 96;

/// Arguments that can be anything are tried as each kind, up to so many of them in one call.
const MAX_UNKNOWN: usize = 2;

/// The fields of `key` that are texts.
const KEY_TEXTS: [&str; 4] = ["id", "tenant", "team", "project"];

/// Functions and macros, for suggestions.
const FUNCTIONS: [&str; 18] = [
    "all",
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "exists",
    "exists_one",
    "filter",
    "has",
    "int",
    "map",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
];

/// What a value is, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Null,
    List,
    /// A map of whatever.
    Map,
    /// The client's headers: texts.
    Headers,
    /// The client's key: its fields are known.
    Key,
    /// Not known, or something that is seldom met.
    Any,
}

impl Kind {
    /// Those that an unknown value is tried as.
    const SAMPLES: [Self; 8] =
        [Self::Null, Self::Bool, Self::Int, Self::Uint, Self::Double, Self::Text, Self::List, Self::Map];

    /// The kind of one of [`VARIABLES`].
    fn of_variable(name: &str) -> Option<Self> {
        VARIABLES.iter().find(|(known, _)| *known == name).map(|_| match name {
            "headers" => Self::Headers,
            "key" => Self::Key,
            "stream" | "tools" | "images" | "documents" | "thinking" => Self::Bool,
            "tokens" | "max_tokens" => Self::Int,
            _ => Self::Text,
        })
    }

    fn of_value(value: &Value) -> Self {
        match value {
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::UInt(_) => Self::Uint,
            Value::Float(_) => Self::Double,
            Value::String(_) => Self::Text,
            Value::Bytes(_) => Self::Bytes,
            Value::Null => Self::Null,
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
            _ => Self::Any,
        }
    }

    /// A value of the kind.
    fn sample(self) -> Value {
        match self {
            Self::Bool => Value::Bool(true),
            Self::Int => Value::Int(1),
            Self::Uint => Value::UInt(1),
            Self::Double => Value::Float(1.0),
            Self::Text => Value::from("a"),
            Self::Bytes => Value::Bytes(Vec::new().into()),
            Self::List => Vec::<Value>::new().into(),
            Self::Map | Self::Headers | Self::Key => HashMap::<String, Value>::new().into(),
            Self::Null | Self::Any => Value::Null,
        }
    }

    /// CEL's word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Null => "null",
            Self::List => "list",
            Self::Map | Self::Headers | Self::Key => "map",
            Self::Any => "anything",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    fn may_be(self, other: Self) -> bool {
        self == Self::Any || self == other
    }
}

/// Finds kinds, and mistakes.
pub(super) struct Kinds<'c> {
    /// The standard functions.
    functions: &'c Context<'static, 'static>,
    /// Variables of macros, the innermost last.
    locals: Vec<(&'c str, Kind)>,
    depth: usize,
}

impl<'c> Kinds<'c> {
    pub(super) fn new(functions: &'c Context<'static, 'static>) -> Self {
        Self { functions, locals: Vec::new(), depth: 0 }
    }

    /// The kind of an expression.
    ///
    /// # Errors
    /// Why it can never be decided.
    pub(super) fn of(&mut self, expression: &'c IdedExpr) -> Result<Kind, Mistake> {
        if self.depth >= MAX_DEPTH {
            return Err(Mistake::new(format!("is nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth = self.depth.saturating_add(1);
        let kind = self.of_one(&expression.expr);
        self.depth = self.depth.saturating_sub(1);
        kind
    }

    fn of_one(&mut self, expression: &'c Expr) -> Result<Kind, Mistake> {
        match expression {
            Expr::Literal(literal) => Ok(match literal {
                LiteralValue::Boolean(_) => Kind::Bool,
                LiteralValue::Bytes(_) => Kind::Bytes,
                LiteralValue::Double(_) => Kind::Double,
                LiteralValue::Int(_) => Kind::Int,
                LiteralValue::Null => Kind::Null,
                LiteralValue::String(_) => Kind::Text,
                LiteralValue::UInt(_) => Kind::Uint,
            }),
            Expr::Ident(name) => self.of_name(name),
            Expr::Select(select) => self.of_field(select),
            Expr::Call(call) => self.of_call(call),
            Expr::Comprehension(comprehension) => self.of_macro(comprehension),
            Expr::List(list) => {
                for element in &list.elements {
                    self.of(element)?;
                }
                Ok(Kind::List)
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.of(&entry.key)?;
                        self.of(&entry.value)?;
                    }
                }
                Ok(Kind::Map)
            }
            Expr::Struct(message) => {
                Err(Mistake::new(format!("nothing is known of the type `{}`", message.type_name)))
            }
            Expr::Unspecified => Ok(Kind::Any),
        }
    }

    fn of_name(&self, name: &str) -> Result<Kind, Mistake> {
        let local = self.locals.iter().rev().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        local.or_else(|| Kind::of_variable(name)).ok_or_else(|| {
            let names: Vec<&str> = VARIABLES.iter().map(|(name, _)| *name).collect();
            let message = format!("nothing is known of `{name}`; there are: {}", names.join(", "));
            Mistake::new(message).suggest(nearest(name, names))
        })
    }

    /// `operand.field`, or `has(operand.field)`.
    fn of_field(&mut self, select: &'c SelectExpr) -> Result<Kind, Mistake> {
        let operand = self.of(&select.operand)?;
        let kind = field(operand, &select.field)?;
        Ok(if select.test { Kind::Bool } else { kind })
    }

    fn of_call(&mut self, call: &'c CallExpr) -> Result<Kind, Mistake> {
        let target = call.target.as_deref().map(|target| self.of(target)).transpose()?;
        let mut kinds: Vec<Kind> = target.into_iter().collect();
        for argument in &call.args {
            kinds.push(self.of(argument)?);
        }
        match (call.func_name.as_str(), kinds.as_slice()) {
            // The interpreter looks at one side alone where that decides.
            (operators::LOGICAL_AND | operators::LOGICAL_OR, sides) => {
                let odd = sides.iter().find(|side| !side.may_be(Kind::Bool));
                odd.map_or(Ok(Kind::Bool), |_| Err(cannot(&call.func_name, sides)))
            }
            (operators::CONDITIONAL, [condition, one, other]) => match condition {
                Kind::Bool | Kind::Any if one == other => Ok(*one),
                Kind::Bool | Kind::Any => Ok(Kind::Any),
                _ => Err(cannot("?", &[*condition])),
            },
            (operators::NOT_STRICTLY_FALSE, _) => Ok(Kind::Bool),
            // Values of different kinds can be compared, and are never equal.
            (operators::EQUALS | operators::NOT_EQUALS, [left, right])
                if left.as_str() != right.as_str()
                    && ![left, right].contains(&&Kind::Any)
                    && !(left.is_number() && right.is_number()) =>
            {
                Err(cannot(&call.func_name, &kinds))
            }
            (operators::INDEX, [Kind::Headers | Kind::Key, index]) if !index.may_be(Kind::Text) => {
                Err(cannot(&call.func_name, &kinds))
            }
            (operators::INDEX, [Kind::Headers, _]) => Ok(Kind::Text),
            (operators::INDEX, [Kind::Key, _]) => match call.args.last().map(|index| &index.expr) {
                Some(Expr::Literal(LiteralValue::String(name))) => field(Kind::Key, name.inner()),
                _ => Ok(Kind::Any),
            },
            _ => self.try_call(call, &kinds),
        }
    }

    /// Makes a call with samples, with each for what may be anything.
    fn try_call(&self, call: &CallExpr, kinds: &[Kind]) -> Result<Kind, Mistake> {
        let unknown: Vec<usize> =
            kinds.iter().enumerate().filter(|(_, kind)| **kind == Kind::Any).map(|(at, _)| at).collect();
        let mut tries = vec![kinds.to_vec()];
        for at in unknown.iter().take(MAX_UNKNOWN) {
            let as_each = |known: &Vec<Kind>| {
                Kind::SAMPLES.map(|kind| {
                    let mut one = known.clone();
                    if let Some(place) = one.get_mut(*at) {
                        *place = kind;
                    }
                    one
                })
            };
            tries = tries.iter().flat_map(as_each).collect();
        }
        let mut found: Option<Kind> = None;
        for one in &tries {
            let kind = match self.answer(call, one) {
                Ok(value) => Kind::of_value(&value),
                Err(ExecutionError::UndeclaredReference(_)) => return Err(no_function(call)),
                Err(error) if is_of_kinds(&error) => continue,
                // A text that is no number, an index that is not there: of other values it may be right.
                Err(_) => Kind::Any,
            };
            found = Some(if found.is_none_or(|before| before == kind) { kind } else { Kind::Any });
        }
        match found {
            Some(kind) => Ok(kind),
            None if unknown.len() > MAX_UNKNOWN => Ok(Kind::Any),
            None => Err(cannot(&call.func_name, kinds)),
        }
    }

    /// What the interpreter makes of a call with samples of these kinds.
    fn answer(&self, call: &CallExpr, kinds: &[Kind]) -> Result<Value, ExecutionError> {
        let mut context = self.functions.new_inner_scope();
        let mut names = Vec::with_capacity(kinds.len());
        for (index, kind) in kinds.iter().enumerate() {
            let name = format!("argument{index}");
            context.add_variable_from_value(name.as_str(), kind.sample());
            names.push(IdedExpr { id: 0, expr: Expr::Ident(name) });
        }
        let mut names = names.into_iter();
        let target = call.target.is_some().then(|| names.next().map(Box::new)).flatten();
        let call = CallExpr { func_name: call.func_name.clone(), target, args: names.collect() };
        context.resolve(&IdedExpr { id: 0, expr: Expr::Call(call) })
    }

    /// `list.exists(x, …)` and the like.
    fn of_macro(&mut self, comprehension: &'c ComprehensionExpr) -> Result<Kind, Mistake> {
        let range = self.of(&comprehension.iter_range)?;
        let of_each = match range {
            Kind::Headers | Kind::Key => Kind::Text,
            Kind::List | Kind::Map | Kind::Any => Kind::Any,
            _ => {
                let message = format!("goes through a {}, where a list or a map is needed", range.as_str());
                return Err(Mistake::new(message));
            }
        };
        let gathered = self.of(&comprehension.accu_init)?;
        let outside = self.locals.len();
        self.locals.push((&comprehension.iter_var, of_each));
        self.locals.extend(comprehension.iter_var2.as_deref().map(|name| (name, Kind::Any)));
        self.locals.push((&comprehension.accu_var, gathered));
        let steps = [&comprehension.loop_cond, &comprehension.loop_step, &comprehension.result];
        let kinds: Result<Vec<Kind>, Mistake> = steps.into_iter().map(|step| self.of(step)).collect();
        self.locals.truncate(outside);
        Ok(kinds?.last().copied().unwrap_or(Kind::Any))
    }
}

/// The kind of a field.
fn field(operand: Kind, name: &str) -> Result<Kind, Mistake> {
    match operand {
        Kind::Headers => Ok(Kind::Text),
        Kind::Key if KEY_TEXTS.contains(&name) => Ok(Kind::Text),
        Kind::Key if name == "metadata" => Ok(Kind::Map),
        Kind::Key => {
            let message = format!("`key` has no `{name}`: there are {}, metadata", KEY_TEXTS.join(", "));
            let near = nearest(name, KEY_TEXTS).map(|near| format!("key.{near}"));
            Err(Mistake::new(message).suggest(Some(near.unwrap_or_else(|| format!("key.metadata.{name}")))))
        }
        Kind::Map | Kind::Any => Ok(Kind::Any),
        _ => Err(Mistake::new(format!("a {} has no field `{name}`", operand.as_str()))),
    }
}

/// Whether a call failed for the kinds of its arguments, and would with any others of the same.
fn is_of_kinds(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::NoSuchOverload(_)
            | ExecutionError::InvalidArgumentCount { .. }
            | ExecutionError::UnsupportedTargetType { .. }
            | ExecutionError::NotSupportedAsMethod { .. }
            | ExecutionError::UnsupportedKeyType(_)
            | ExecutionError::UnexpectedType { .. }
            | ExecutionError::MissingArgumentOrTarget
            | ExecutionError::ValuesNotComparable(..)
            | ExecutionError::UnsupportedBinaryOperator(..)
            | ExecutionError::UnsupportedIndex(..)
    )
}

/// A function or an operator does not go with these kinds.
fn cannot(function: &str, kinds: &[Kind]) -> Mistake {
    let sign = match function {
        operators::INDEX => "[ ]",
        operators::IN => "in",
        _ => function.trim_matches('_'),
    };
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let kinds = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(" and ") };
    Mistake::new(format!("`{sign}` does not go with {kinds}"))
}

fn no_function(call: &CallExpr) -> Mistake {
    let name = call.func_name.as_str();
    if FUNCTIONS.contains(&name) {
        let usual =
            if call.target.is_some() { format!("{name}(VALUE)") } else { format!("VALUE.{name}(…)") };
        return Mistake::new(format!("`{name}` is called otherwise: {usual}"));
    }
    Mistake::new(format!("there is no function `{name}`")).suggest(nearest(name, FUNCTIONS))
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::*;
    use cel::Program;

    /// Why a condition is refused.
    fn refused(condition: &str) -> String {
        let Some(mistake) = Rule::new("r", condition, "m").err() else { return String::new() };
        let near = mistake.suggestion.map(|near| format!(" (did you mean `{near}`?)"));
        mistake.message + &near.unwrap_or_default()
    }

    #[test]
    fn what_can_never_be_decided_is_refused() {
        for (condition, why) in [
            ("model.startWith('gpt')", "there is no function `startWith` (did you mean `startsWith`?)"),
            ("foo(1)", "there is no function `foo`"),
            ("model.matches('gpt.*')", "there is no function `matches`"),
            ("startsWith(model, 'gpt')", "`startsWith` is called otherwise: VALUE.startsWith(…)"),
            (
                "key.metadata.name.startWith('x')",
                "there is no function `startWith` (did you mean `startsWith`?)",
            ),
            ("['a'].exist(x, x == model)", "nothing is known of `x`"),
            ("\"1\"", "has the type string: neither true nor false"),
            ("tokens", "has the type int: neither true nor false"),
            ("tokens + 1", "has the type int: neither true nor false"),
            ("key.metadata.level + 1", "has the type int: neither true nor false"),
            ("key", "has the type map: neither true nor false"),
            ("tokens > 'x'", "`>` does not go with int and string"),
            ("tokens == 'x'", "`==` does not go with int and string"),
            ("stream != 'true'", "`!=` does not go with bool and string"),
            ("tenant == null", "`==` does not go with string and null"),
            ("headers['x-a'] > 5", "`>` does not go with string and int"),
            ("headers[1] == 'a'", "`[ ]` does not go with map and int"),
            ("model in 'gpt-4o'", "`in` does not go with string and string"),
            ("tokens && stream", "`&&` does not go with int and bool"),
            ("!model", "`!` does not go with string"),
            ("tokens ? true : false", "`?` does not go with int"),
            ("model.size() > '5'", "`>` does not go with int and string"),
            ("model.contains(5)", "`contains` does not go with string and int"),
            ("size(tokens) > 1", "`size` does not go with int"),
            (
                "key.tier == 'gold'",
                "`key` has no `tier`: there are id, tenant, team, project, metadata (did you mean `key.metadata.tier`?)",
            ),
            (
                "key['tenat'] == 'gold'",
                "`key` has no `tenat`: there are id, tenant, team, project, metadata (did you mean `key.tenant`?)",
            ),
            ("model.name == 'x'", "a string has no field `name`"),
            ("model.exists(c, c == 'x')", "goes through a string, where a list or a map is needed"),
            ("['a'].exists(x, x == 'b' && tokens > x + tokenz)", "nothing is known of `tokenz`"),
            ("Foo{a: 1} == 1", "nothing is known of the type `Foo`"),
        ] {
            let said = refused(condition);
            assert!(said.starts_with(why), "{condition}: {said}");
        }
    }

    #[test]
    fn what_may_be_decided_is_taken() {
        for condition in [
            "key.metadata.tier",
            "key.metadata.level > 5",
            "key.metadata.level == 5 || key.metadata['level'] == 'high'",
            "has(key.metadata.tier) && key.metadata.tier in ['gold', 'silver']",
            "'x' in key.metadata.tags && key.metadata.tags[0] == 'x'",
            "key.metadata.all(name, name != 'blocked')",
            "key.metadata.tags.exists(t, t.startsWith('a') && key.metadata.others.exists(o, o == t))",
            "size(key.metadata.tags.filter(t, t != model)) > 2",
            "['a', 'b'].map(x, x + '-1').exists_one(x, x == model)",
            "headers.exists(name, name.startsWith('x-'))",
            "headers['x-tier'] == 'gold' && 'x-b' in headers",
            "int(headers['x-level']) > 3",
            "double(tokens) / 2.0 > 5.5 && tokens > 1.5",
            "tokens / max_tokens > 3",
            "(stream ? 'a' : 'b') == 'a'",
            "key['tenant'] == tenant && key.id != ''",
            "model.size() == size(model)",
            "true",
        ] {
            assert_eq!(refused(condition), "", "{condition}");
        }
    }

    #[test]
    fn every_function_that_is_suggested_is_there() {
        let context = Context::default();
        let macros = ["all", "exists", "exists_one", "filter", "has", "map"];
        for name in FUNCTIONS.iter().filter(|name| !macros.contains(name)) {
            let known = [format!("{name}(null)"), format!("'a'.{name}('a')")].iter().any(|call| {
                let answer = Program::compile(call).unwrap().execute(&context);
                !matches!(answer, Err(ExecutionError::UndeclaredReference(_)))
            });
            assert!(known, "{name}");
        }
    }

    #[test]
    fn what_would_take_the_whole_stack_is_refused() {
        let chain = |terms: usize| format!("tokens > {}", vec!["1"; terms].join("+"));
        assert_eq!(refused(&chain(50)), "");
        assert_eq!(refused(&chain(1_000)), "is nested deeper than 96 levels");
        assert_eq!(refused(&chain(100_000)), "is longer than 4096 bytes");
        assert_eq!(refused(&vec!["stream"; 400].join("||")), "");
    }
}
