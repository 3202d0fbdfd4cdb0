//! Inputs to start from: two rich conversations and their answers, written in every dialect by its own encoder.

use super::bodies::{ASK, call};
use tollgate::dialect::lane::{self, AnswerPlan, Edit};
use tollgate::dialect::{Call, Dialect};

const OPENAI: &str = r#"{"model":"m","messages":[
{"role":"system","content":"be \"brief\" \u00e9\n"},
{"role":"user","content":[{"type":"text","text":"what is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ","detail":"low"}}]},
{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},
{"role":"tool","tool_call_id":"call_1","content":"ok"},{"role":"user","content":"and?"}],
"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]},"strict":true}}],
"tool_choice":"required","max_completion_tokens":99,"temperature":0.5,"top_p":0.9,"stop":["END"],"n":2,"seed":7,
"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object"}}},
"reasoning_effort":"low","stream":false,"user":"u","logit_bias":{"1":2},"extra_field":[1,{"a":null}]}"#;

const ANTHROPIC: &str = r#"{"model":"m","max_tokens":4096,"system":[{"type":"text","text":"brief","cache_control":{"type":"ephemeral"}}],
"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}},{"type":"text","text":"read"}]},
{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"text","text":"sure"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"x":[1]}}]},
{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","is_error":true,"content":[{"type":"text","text":"no"}]}]}],
"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true},
"thinking":{"type":"enabled","budget_tokens":2048},"top_k":5,"stop_sequences":["X"],"metadata":{"user_id":"u"}}"#;

/// All that a completion of one prompt can say.
const PROMPT: &str = r#"{"model":"m","messages":[{"role":"user","content":"h\u00e9 \"q\""}],"max_tokens":5,"stop":"X","temperature":1}"#;

const OPENAI_ANSWER: &str = r#"{"id":"c1","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"h\u00e9 \"q\" 😀\n","reasoning_content":"hm","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":{"reasoning_tokens":2}}}"#;

const ANTHROPIC_ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"text","text":"hi"},{"type":"tool_use","id":"t","name":"f","input":{"a":"b"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":5,"cache_read_input_tokens":3,"cache_creation_input_tokens":1,"output_tokens":9}}"#;

const YAML: &str = "providers:\n  openai: {}\n  claude: {preset: anthropic, base_url: \"https://a.example:8443/x\", api_key_env: KEY, headers: {x-a: b, x-s: {env: S}}}\nkeys:\n  - {id: k, sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae, tenant: t}\nmodels:\n  gpt: openai/gpt-4o\n  \"any/*\": openai/*\n  chain: {targets: [openai/gpt-4o, {provider: claude, model: claude-sonnet-4-5, max_tokens: 7, params: {top_k: 3}}], retries: 2, timeout: 5s, aliases: [x], backoff: {base: 1s, max: 8s}, drop_params: false}\nprices:\n  gpt-4o: {input: 2.5, output: 10, cache_read: 1.25}\nserver: {listen: \"0.0.0.0:80\", prefix: /llm, max_body: 1MiB, cors: {origins: [\"*\"], max_age: 1h}}\n";

const SSE: &str = "\u{feff}: hi\r\n\r\nevent: a\ndata: 1\ndata:2\n\ndata\r\rid: 7\nretry:5\n\ndata: é😀\r\n\r\n{\"a\":1}\n\n {\"b\":[]} \r\n[{\"c\":1}\n,\n{\"d\":2}]\ndata: cut";

const VECTORS: &[&str] = &[
    r#"{"model":"m","input":["a",[1,2],"é"],"dimensions":8,"encoding_format":"base64","user":"u"}"#,
    r#"{"model":"m","texts":["a"],"images":["data:image/png;base64,AAAA"],"input_type":"search_query","embedding_types":["float","int8"],"truncate":"END"}"#,
    r#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":3}]}"#,
    r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1e-3]}],"model":"m","usage":{"prompt_tokens":5,"total_tokens":5}}"#,
    r#"{"object":"list","data":[{"embedding":"AACAPwAAAEA=","index":0}]}"#,
    r#"{"id":"i","embeddings":{"float":[[0.1,0.2]],"int8":[[1,-2]],"base64":["AACAPw=="]},"meta":{"billed_units":{"input_tokens":3}}}"#,
    r#"{"embeddings":[{"values":[0.1,2]}]}"#,
    r#"{"predictions":[{"embeddings":{"values":[1.5],"statistics":{"token_count":4,"truncated":false}}}]}"#,
    r#"{"embedding":[1,2],"inputTextTokenCount":3}"#,
    r#"{"model":"m","query":"q","documents":["a",{"text":"b","title":"c"}],"top_n":1,"return_documents":true,"rank_fields":["title"]}"#,
    r#"{"id":"r","results":[{"index":1,"relevance_score":0.9,"document":{"text":"b"}},{"index":0,"relevance_score":0.1}],"meta":{"billed_units":{"search_units":1}}}"#,
    r#"{"data":[{"index":0,"relevance_score":0.5}],"usage":{"total_tokens":9}}"#,
];

/// Inputs of a target, of one dialect where it has them by dialect.
pub(crate) fn seeds(target: &str, dialect: Option<Dialect>) -> Vec<Vec<u8>> {
    let plain = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    let Some(dialect) = dialect else {
        return match target {
            "config" => plain(&[YAML]),
            "vectors" => plain(VECTORS),
            _ => plain(&[SSE, OPENAI, ANTHROPIC_ANSWER]),
        };
    };
    let bodies = match target {
        "request" => requests(dialect),
        "response" => answers(dialect, false),
        _ => answers(dialect, true),
    };
    let own: &[&str] = if (target, dialect) == ("stream", Dialect::Bedrock) { &[BEDROCK_LINES] } else { &[] };
    let own = own.iter().map(|lines| lines.as_bytes().to_vec());
    bodies.into_iter().chain(own).map(|body| named(dialect, &body)).collect()
}

/// See [`super::framers::framed`].
const BEDROCK_LINES: &str = r#"messageStart {"role":"assistant"}
contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"h\u00e9"}}
contentBlockStop {"contentBlockIndex":0}
contentBlockStart {"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}
contentBlockDelta {"contentBlockIndex":1,"delta":{"toolUse":{"input":"{\"x\":1}"}}}
contentBlockDelta {"contentBlockIndex":2,"delta":{"reasoningContent":{"text":"hm"}}}
contentBlockStop {"contentBlockIndex":1}
messageStop {"stopReason":"tool_use"}
metadata {"usage":{"inputTokens":5,"outputTokens":3,"totalTokens":8},"metrics":{"latencyMs":9}}
"#;

/// An input: the dialect's name in a line, and a body.
pub(crate) fn named(dialect: Dialect, body: &[u8]) -> Vec<u8> {
    [dialect.as_str().as_bytes(), b"\n", body].concat()
}

fn requests(dialect: Dialect) -> Vec<Vec<u8>> {
    let sources =
        [(Dialect::OpenaiChat, OPENAI), (Dialect::Anthropic, ANTHROPIC), (Dialect::OpenaiChat, PROMPT)];
    let encoded = sources.into_iter().filter_map(|(from, body)| {
        if from == dialect {
            return Some(body.as_bytes().to_vec());
        }
        match lane::request(&Call { model: None, ..call(from) }, dialect, body.as_bytes(), &ASK).ok()?.edit {
            Edit::Replace(bytes) => Some(bytes),
            _ => None,
        }
    });
    encoded.collect()
}

fn answers(dialect: Dialect, stream: bool) -> Vec<Vec<u8>> {
    let sources = [(Dialect::OpenaiChat, OPENAI_ANSWER), (Dialect::Anthropic, ANTHROPIC_ANSWER)];
    let encoded = sources.into_iter().filter_map(|(from, body)| {
        let plan = AnswerPlan::new(dialect, from, stream, true);
        if stream {
            return lane::answer_as_stream(&plan, body.as_bytes()).ok()?.body;
        }
        lane::answer(&plan, body.as_bytes()).ok().map(|answer| answer.body.unwrap_or_else(|| body.into()))
    });
    encoded.collect()
}
