//! Bodies that hold very many of one thing: what nobody sends in earnest, and anybody may.

use std::fmt::Display;
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};

/// A crafted request: what there are many of, and the body of a client with this many.
pub(crate) type Crafted = (&'static str, fn(Dialect, usize) -> String);

/// All crafted requests.
pub(crate) const REQUESTS: &[Crafted] = &[
    ("unknown top-level fields", |client, n| {
        body(client, &user(client, &text(client, "")), "", &list(n, |i| format!(r#""k{i}":1"#)))
    }),
    ("unknown blocks", |client, n| {
        body(client, &user(client, &list(n, |i| format!(r#"{{"type":"zz{i}","zz{i}":{{}}}}"#))), "", "")
    }),
    ("unknown messages", |client, n| {
        let unknown = list(n, |i| format!(r#"{{"type":"zz{i}","role":"user","content":"x","k{i}":1}}"#));
        body(client, &join(&[unknown, user(client, &text(client, ""))]), "", "")
    }),
    ("blocks with unknown fields", |client, n| {
        body(client, &user(client, &list(n, |i| text(client, &format!(r#","k{i}":1"#)))), "", "")
    }),
    ("unknown fields of a block", |client, n| {
        let fields = list(n, |i| format!(r#""k{i}":1"#));
        body(client, &user(client, &text(client, &format!(",{fields}"))), "", "")
    }),
    ("blocks", |client, n| body(client, &user(client, &list(n, |_| text(client, ""))), "", "")),
    ("messages", |client, n| {
        let turn = |_| join(&[user(client, &text(client, "")), model(client, &text(client, ""))]);
        body(client, &join(&[list(n, turn), user(client, &text(client, ""))]), "", "")
    }),
    ("texts that rely on pages", |client, n| {
        let page = r#"{"type":"web_search_result_location","url":"u","title":"t","cited_text":"c","encrypted_index":"e"}"#;
        let texts =
            list(n, |i| text(client, &format!(r#","k{i}":1,"citations":[{page}],"annotations":[{page}]"#)));
        let talk = [user(client, &text(client, "")), model(client, &texts), user(client, &text(client, ""))];
        body(client, &join(&talk), "", "")
    }),
    ("messages of one role", |client, n| body(client, &list(n, |_| user(client, &text(client, ""))), "", "")),
    ("thoughts", |client, n| {
        let thoughts = list(n, |i| thought(client, i));
        let talk = match client {
            OpenaiResponses => thoughts,
            _ => model(client, &join(&[thoughts, text(client, "")])),
        };
        body(client, &join(&[user(client, &text(client, "")), talk, user(client, &text(client, ""))]), "", "")
    }),
    ("instructions", |client, n| {
        let said = list(n, |_| {
            let content = text(client, "");
            match client {
                Gemini => format!(r#"{{"role":"system","parts":[{content}]}}"#),
                Ollama => r#"{"role":"system","content":"s"}"#.to_owned(),
                _ => format!(r#"{{"role":"system","content":[{content}]}}"#),
            }
        });
        body(client, &join(&[user(client, &text(client, "")), said, user(client, &text(client, ""))]), "", "")
    }),
    ("documents of one title", |client, n| {
        body(client, &user(client, &list(n, |_| document(client))), "", "")
    }),
    ("pictures", |client, n| body(client, &user(client, &list(n, |_| picture(client))), "", "")),
    ("tools with long names", |client, n| {
        let tools = list(n, |i| tool(client, &format!("{}{i}", "é".repeat(70)), "{}"));
        body(client, &user(client, &text(client, "")), &tools, "")
    }),
    ("tools of one long name", |client, n| {
        let tools = list(n, |_| tool(client, &"x".repeat(140), r#"{"type":"object"}"#));
        body(client, &user(client, &text(client, "")), &tools, "")
    }),
    ("unknown tools", |client, n| {
        let tools = list(n, |i| format!(r#"{{"type":"zz{i}","name":"z{i}","zz{i}":{{}}}}"#));
        body(client, &user(client, &text(client, "")), &tools, "")
    }),
    ("custom tools", |client, n| {
        let tools = list(n, |i| format!(r#"{{"type":"custom","name":"c{i}","custom":{{"name":"c{i}"}}}}"#));
        body(client, &user(client, &text(client, "")), &tools, "")
    }),
    ("tools to choose from", |client, n| {
        let tools = list(n, |i| tool(client, &format!("f{i}"), "{}"));
        let names = list(n, |i| match client {
            Gemini => format!(r#""f{i}""#),
            OpenaiChat => format!(r#"{{"type":"function","function":{{"name":"f{i}"}}}}"#),
            _ => format!(r#"{{"type":"function","name":"f{i}"}}"#),
        });
        let choice = match client {
            Gemini => format!(
                r#""toolConfig":{{"functionCallingConfig":{{"mode":"ANY","allowedFunctionNames":[{names}]}}}}"#
            ),
            OpenaiChat => format!(
                r#""tool_choice":{{"type":"allowed_tools","allowed_tools":{{"mode":"required","tools":[{names}]}}}}"#
            ),
            OpenaiResponses => {
                format!(r#""tool_choice":{{"type":"allowed_tools","mode":"required","tools":[{names}]}}"#)
            }
            _ => String::new(),
        };
        body(client, &user(client, &text(client, "")), &tools, &choice)
    }),
    ("results without calls", |client, n| {
        body(client, &join(&[user(client, &text(client, "")), list(n, |i| result(client, i))]), "", "")
    }),
    ("results in one message", |client, n| {
        let results = results(client, 0..n);
        body(client, &join(&[user(client, &text(client, "")), results]), "", "")
    }),
    ("calls with results", |client, n| {
        let turn = |i| join(&[calls(client, i..i + 1), result(client, i)]);
        body(client, &join(&[user(client, &text(client, "")), list(n, turn)]), "", "")
    }),
    ("words before results", |client, n| {
        let words = user(client, &text(client, ""));
        let turn = |i| join(&[calls(client, i..i + 1), words.clone(), result(client, i)]);
        body(client, &join(&[words.clone(), list(n, turn)]), "", "")
    }),
    ("marks of signatures", |client, n| {
        let marks = "__thought__".repeat(n);
        let said = text(client, &format!(r#","k":"{marks} ""#));
        body(client, &user(client, &said), "", &format!(r#""k":"{marks}""#))
    }),
    ("calls of one id", |client, n| {
        let turn = |_| join(&[calls(client, 0..1), result(client, 0)]);
        body(client, &join(&[user(client, &text(client, "")), list(n, turn)]), "", "")
    }),
    ("parallel calls", |client, n| {
        let turn = join(&[calls(client, 0..n), results(client, 0..n)]);
        body(client, &join(&[user(client, &text(client, "")), turn]), "", "")
    }),
    ("parallel calls, answered backwards", |client, n| {
        let turn = join(&[calls(client, 0..n), results(client, (0..n).rev())]);
        body(client, &join(&[user(client, &text(client, "")), turn]), "", "")
    }),
    ("parallel calls without ids", |client, n| {
        let turn = join(&[calls(client, 0..n), results(client, 0..n)]);
        let nameless = body(client, &join(&[user(client, &text(client, "")), turn]), "", "");
        nameless.replace(r#""id":"#, r#""no":"#).replace(r#"call_id":"#, r#"no":"#)
    }),
    ("calls that nobody answers", |client, n| {
        let talk = [user(client, &text(client, "")), calls(client, 0..n), user(client, &text(client, ""))];
        body(client, &join(&talk), "", "")
    }),
    ("calls with long names", |client, n| {
        let turn = join(&[calls(client, 0..n), results(client, 0..n)]);
        let talk = body(client, &join(&[user(client, &text(client, "")), turn]), "", "");
        talk.replace("name\":\"f", &format!("name\":\"{}", "f".repeat(140)))
    }),
    ("properties", |client, n| {
        schema(client, &format!(r#"{{"type":"object","properties":{{{}}}}}"#, properties(n)))
    }),
    ("properties that are required", |client, n| {
        let names = list(n, |i| format!(r#""p{i}""#));
        schema(
            client,
            &format!(r#"{{"type":"object","properties":{{{}}},"required":[{names}]}}"#, properties(n)),
        )
    }),
    ("unknown keywords", |client, n| {
        let words = list(n, |i| format!(r#""w{i}":1"#));
        schema(client, &format!(r#"{{"type":"object","properties":{{"a":{{"type":"string",{words}}}}}}}"#))
    }),
    ("references", |client, n| {
        let named = list(n, |i| format!(r##""p{i}":{{"$ref":"#/$defs/d{i}"}}"##));
        let defs = list(n, |i| format!(r#""d{i}":{{"type":"string"}}"#));
        schema(client, &format!(r#"{{"type":"object","properties":{{{named}}},"$defs":{{{defs}}}}}"#))
    }),
    ("references to one long schema", |client, n| {
        let named = list(n, |i| format!(r##""p{i}":{{"$ref":"#/$defs/d"}}"##));
        let choices = list(n, |i| format!(r#""c{i}""#));
        schema(
            client,
            &format!(
                r#"{{"type":"object","properties":{{{named}}},"$defs":{{"d":{{"type":"string","enum":[{choices}]}}}}}}"#
            ),
        )
    }),
    ("allOf", |client, n| schema(client, &format!(r#"{{"allOf":[{}]}}"#, objects(n)))),
    ("allOf of references", |client, n| {
        let all = list(n, |_| r##"{"$ref":"#/$defs/d"}"##);
        schema(
            client,
            &format!(r#"{{"allOf":[{all}],"$defs":{{"d":{{"properties":{{{}}}}}}}}}"#, properties(n)),
        )
    }),
    ("oneOf", |client, n| schema(client, &format!(r#"{{"oneOf":[{}]}}"#, objects(n)))),
    ("oneOf within", |client, n| {
        schema(client, &format!(r#"{{"type":"object","properties":{{"a":{{"oneOf":[{}]}}}}}}"#, objects(n)))
    }),
    ("anyOf beside properties", |client, n| {
        let variants = list(n, |i| format!(r#"{{"required":["p{i}"]}}"#));
        let properties = properties(n);
        schema(
            client,
            &format!(
                r#"{{"type":"object","properties":{{"a":{{"type":"object","properties":{{{properties}}},"anyOf":[{variants}]}}}}}}"#
            ),
        )
    }),
    ("anyOf of what is no type", |client, n| {
        let variants = list(n, |i| format!(r#"{{"title":"t{i}"}}"#));
        schema(
            client,
            &format!(r#"{{"type":"object","properties":{{"a":{{"type":"string","anyOf":[{variants}]}}}}}}"#),
        )
    }),
    ("types", |client, n| {
        let types = list(n, |_| r#""string""#);
        schema(client, &format!(r#"{{"type":"object","properties":{{"a":{{"type":[{types}]}}}}}}"#))
    }),
    ("choices", |client, n| {
        let choices = list(n, |i| format!(r#""c{i}""#));
        schema(
            client,
            &format!(r#"{{"type":"object","properties":{{"a":{{"type":"string","enum":[{choices}]}}}}}}"#),
        )
    }),
    ("tools whose schemas are bombs", |client, n| {
        // Each is small, and long without bound once its references are inlined.
        let defs = list(24, |i| {
            let next = i + 1;
            format!(
                r##""d{i}":{{"type":"object","properties":{{"x":{{"$ref":"#/$defs/d{next}"}},"y":{{"$ref":"#/$defs/d{next}"}}}}}}"##
            )
        });
        let bomb = format!(
            r##"{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/d0"}}}},"$defs":{{{defs},"d24":{{"type":"string"}}}}}}"##
        );
        let tools = list(n / 100, |i| tool(client, &format!("f{i}"), &bomb));
        body(client, &user(client, &text(client, "")), &tools, "")
    }),
    ("stop sequences", |client, n| {
        let stop = list(n, |i| format!(r#""s{i}""#));
        let stop = match client {
            Anthropic | Cohere => format!(r#""stop_sequences":[{stop}]"#),
            Gemini => format!(r#""generationConfig":{{"stopSequences":[{stop}]}}"#),
            Bedrock => format!(r#""inferenceConfig":{{"stopSequences":[{stop}]}}"#),
            Ollama => format!(r#""options":{{"stop":[{stop}]}}"#),
            _ => format!(r#""stop":[{stop}]"#),
        };
        body(client, &user(client, &text(client, "")), "", &stop)
    }),
    ("labels", |client, n| {
        let labels = list(n, |i| format!(r#""l{i}":"v""#));
        let field = match client {
            Gemini => "labels",
            Bedrock => "requestMetadata",
            _ => "metadata",
        };
        body(client, &user(client, &text(client, "")), "", &format!(r#""{field}":{{{labels}}}"#))
    }),
    ("settings", |client, n| {
        let settings = list(n, |i| format!(r#""l{i}":1"#));
        let field = match client {
            Gemini => "generationConfig",
            Bedrock => "additionalModelRequestFields",
            Ollama => "options",
            Anthropic => "output_config",
            OpenaiResponses => "text",
            _ => "response_format",
        };
        body(client, &user(client, &text(client, "")), "", &format!(r#""{field}":{{{settings}}}"#))
    }),
    ("results within results", |client, n| {
        // No deeper than what JSON is read to.
        let nested =
            "[{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"toolResult\":{},\"content\":".repeat(n / 50);
        let content = format!("{nested}[]{}", "}]".repeat(n / 50));
        body(client, &format!(r#"{{"role":"user","content":{content},"parts":[]}}"#), "", "")
    }),
    ("empty lists within each other", |client, n| {
        let deep = format!(r#""deep":{}{}"#, "[".repeat(n), "]".repeat(n));
        body(client, &user(client, &text(client, &format!(",{deep}"))), "", &deep)
    }),
];

fn list<T: Display>(n: usize, item: impl Fn(usize) -> T) -> String {
    join(&(0..n).map(|i| item(i).to_string()).collect::<Vec<_>>())
}

fn join(items: &[String]) -> String {
    let items: Vec<&str> = items.iter().map(String::as_str).filter(|item| !item.is_empty()).collect();
    items.join(",")
}

/// A body of this client's.
fn body(client: Dialect, messages: &str, tools: &str, fields: &str) -> String {
    let mut said = match client {
        Gemini => vec![format!(r#""contents":[{messages}]"#)],
        OpenaiResponses => vec![r#""model":"m""#.to_owned(), format!(r#""input":[{messages}]"#)],
        Bedrock => vec![format!(r#""messages":[{messages}]"#)],
        _ => vec![r#""model":"m","max_tokens":9"#.to_owned(), format!(r#""messages":[{messages}]"#)],
    };
    if !tools.is_empty() {
        said.push(match client {
            Gemini => format!(r#""tools":[{{"functionDeclarations":[{tools}]}}]"#),
            Bedrock => format!(r#""toolConfig":{{"tools":[{tools}]}}"#),
            _ => format!(r#""tools":[{tools}]"#),
        });
    }
    said.push(fields.to_owned());
    format!("{{{}}}", join(&said))
}

/// A block of text; `fields` stand in it too.
fn text(client: Dialect, fields: &str) -> String {
    match client {
        Gemini | Bedrock => format!(r#"{{"text":"x"{fields}}}"#),
        OpenaiResponses => format!(r#"{{"type":"input_text","text":"x"{fields}}}"#),
        _ => format!(r#"{{"type":"text","text":"x"{fields}}}"#),
    }
}

fn thought(client: Dialect, i: usize) -> String {
    match client {
        Gemini => format!(r#"{{"text":"t{i}","thought":true}}"#),
        Bedrock => format!(r#"{{"reasoningContent":{{"reasoningText":{{"text":"t{i}","signature":"s"}}}}}}"#),
        OpenaiResponses => {
            format!(r#"{{"type":"reasoning","id":"r{i}","summary":[],"encrypted_content":"abc"}}"#)
        }
        _ => format!(r#"{{"type":"thinking","thinking":"t{i}","signature":"s"}}"#),
    }
}

fn user(client: Dialect, content: &str) -> String {
    match client {
        Gemini => format!(r#"{{"role":"user","parts":[{content}]}}"#),
        Ollama => r#"{"role":"user","content":"x"}"#.to_owned(),
        _ => format!(r#"{{"role":"user","content":[{content}]}}"#),
    }
}

fn model(client: Dialect, content: &str) -> String {
    match client {
        Gemini => format!(r#"{{"role":"model","parts":[{content}]}}"#),
        Ollama => r#"{"role":"assistant","content":"x","thinking":"t"}"#.to_owned(),
        OpenaiResponses => {
            format!(r#"{{"role":"assistant","content":[{}]}}"#, content.replace("input_text", "output_text"))
        }
        _ => format!(r#"{{"role":"assistant","content":[{content}]}}"#),
    }
}

fn calls(client: Dialect, numbers: std::ops::Range<usize>) -> String {
    let call = |i: usize| match client {
        OpenaiChat | Cohere => {
            format!(r#"{{"id":"c{i}","type":"function","function":{{"name":"f{i}","arguments":"{{}}"}}}}"#)
        }
        Ollama => format!(r#"{{"id":"c{i}","function":{{"name":"f{i}","arguments":{{}}}}}}"#),
        OpenaiResponses => {
            format!(r#"{{"type":"function_call","call_id":"c{i}","name":"f{i}","arguments":"{{}}"}}"#)
        }
        Gemini => format!(r#"{{"functionCall":{{"id":"c{i}","name":"f{i}","args":{{}}}}}}"#),
        Bedrock => format!(r#"{{"toolUse":{{"toolUseId":"c{i}","name":"f{i}","input":{{}}}}}}"#),
        _ => format!(r#"{{"type":"tool_use","id":"c{i}","name":"f{i}","input":{{}}}}"#),
    };
    let calls = join(&numbers.map(call).collect::<Vec<_>>());
    match client {
        OpenaiChat | Cohere | Ollama => format!(r#"{{"role":"assistant","tool_calls":[{calls}]}}"#),
        OpenaiResponses => calls,
        _ => model(client, &calls),
    }
}

fn results(client: Dialect, numbers: impl Iterator<Item = usize>) -> String {
    let block = |i: usize| match client {
        Gemini => format!(r#"{{"functionResponse":{{"id":"c{i}","name":"f{i}","response":{{}}}}}}"#),
        Bedrock => format!(r#"{{"toolResult":{{"toolUseId":"c{i}","content":[{{"text":"r"}}]}}}}"#),
        OpenaiResponses => format!(r#"{{"type":"function_call_output","call_id":"c{i}","output":"r"}}"#),
        OpenaiChat | Cohere | Ollama => {
            format!(r#"{{"role":"tool","tool_call_id":"c{i}","tool_name":"f{i}","content":"r"}}"#)
        }
        _ => format!(r#"{{"type":"tool_result","tool_use_id":"c{i}","content":"r"}}"#),
    };
    let blocks = join(&numbers.map(block).collect::<Vec<_>>());
    match client {
        Gemini | Bedrock | Anthropic => user(client, &blocks),
        _ => blocks,
    }
}

fn result(client: Dialect, number: usize) -> String {
    results(client, std::iter::once(number))
}

fn document(client: Dialect) -> String {
    match client {
        OpenaiChat => {
            r#"{"type":"file","file":{"filename":"d.txt","file_data":"data:text/plain;base64,eHh4"}}"#
                .to_owned()
        }
        OpenaiResponses => {
            r#"{"type":"input_file","filename":"d.txt","file_data":"data:text/plain;base64,eHh4"}"#.to_owned()
        }
        Gemini => r#"{"inlineData":{"mimeType":"text/plain","data":"eHh4"}}"#.to_owned(),
        Bedrock => r#"{"document":{"format":"txt","name":"d","source":{"bytes":"eHh4"}}}"#.to_owned(),
        _ => {
            r#"{"type":"document","title":"d","source":{"type":"text","media_type":"text/plain","data":"x"}}"#
                .to_owned()
        }
    }
}

fn picture(client: Dialect) -> String {
    match client {
        OpenaiResponses => r#"{"type":"input_image","image_url":"data:image/png;base64,AAAA"}"#.to_owned(),
        Gemini => r#"{"inlineData":{"mimeType":"image/png","data":"AAAA"}}"#.to_owned(),
        Bedrock => r#"{"image":{"format":"png","source":{"bytes":"AAAA"}}}"#.to_owned(),
        Anthropic => {
            r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}"#.to_owned()
        }
        _ => r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}"#.to_owned(),
    }
}

fn tool(client: Dialect, name: &str, schema: &str) -> String {
    match client {
        Anthropic => format!(r#"{{"name":"{name}","input_schema":{schema}}}"#),
        Gemini => format!(r#"{{"name":"{name}","parametersJsonSchema":{schema}}}"#),
        Bedrock => format!(r#"{{"toolSpec":{{"name":"{name}","inputSchema":{{"json":{schema}}}}}}}"#),
        OpenaiResponses => format!(r#"{{"type":"function","name":"{name}","parameters":{schema}}}"#),
        _ => format!(r#"{{"type":"function","function":{{"name":"{name}","parameters":{schema}}}}}"#),
    }
}

/// A request with a tool of this schema, and an answer that is to follow it.
fn schema(client: Dialect, schema: &str) -> String {
    let format = match client {
        OpenaiChat => format!(
            r#""response_format":{{"type":"json_schema","json_schema":{{"name":"s","schema":{schema}}}}}"#
        ),
        OpenaiResponses => {
            format!(r#""text":{{"format":{{"type":"json_schema","name":"s","schema":{schema}}}}}"#)
        }
        Anthropic => format!(r#""output_config":{{"format":{{"type":"json_schema","schema":{schema}}}}}"#),
        Gemini => format!(
            r#""generationConfig":{{"responseMimeType":"application/json","responseJsonSchema":{schema}}}"#
        ),
        Cohere => format!(r#""response_format":{{"type":"json_object","schema":{schema}}}"#),
        Ollama => format!(r#""format":{schema}"#),
        _ => String::new(),
    };
    body(client, &user(client, &text(client, "")), &tool(client, "f", schema), &format)
}

fn properties(n: usize) -> String {
    list(n, |i| format!(r#""p{i}":{{"type":"string"}}"#))
}

fn objects(n: usize) -> String {
    list(n, |i| {
        format!(r#"{{"type":"object","properties":{{"p{i}":{{"type":"string"}}}},"required":["p{i}"]}}"#)
    })
}

/// A crafted answer: what there are many of, and the body with this many.
pub(crate) type CraftedAnswer = (&'static str, fn(usize) -> String);

/// All crafted answers, of a provider that speaks OpenAI's dialect.
pub(crate) const ANSWERS: &[CraftedAnswer] = &[
    ("unknown fields", |n| answer("", &list(n, |i| format!(r#""k{i}":1"#)))),
    ("unknown fields of the message", |n| answer(&list(n, |i| format!(r#""k{i}":1"#)), "")),
    ("unknown counts", |n| {
        let counts = list(n, |i| format!(r#""k{i}":1"#));
        answer("", &format!(r#""usage":{{"prompt_tokens":1,"completion_tokens":1,{counts}}}"#))
    }),
    ("calls", |n| answer(&format!(r#""tool_calls":[{}]"#, list(n, |i| answered_call(i, i))), "")),
    ("calls of one id", |n| answer(&format!(r#""tool_calls":[{}]"#, list(n, |i| answered_call(0, i))), "")),
    ("calls without ids", |n| {
        let calls = list(n, |i| answered_call(i, i));
        answer(&format!(r#""tool_calls":[{}]"#, calls.replace(r#""id":"#, r#""no":"#)), "")
    }),
    // More than 128 are refused: beyond that they grow.
    ("choices", |n| {
        let text = "x ".repeat(n);
        let choices = list(n.min(128), |i| {
            format!(
                r#"{{"index":{i},"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}"#
            )
        });
        format!(r#"{{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{choices}]}}"#)
    }),
    ("sources", |n| {
        let source = |i| {
            format!(
                r#"{{"type":"url_citation","url_citation":{{"start_index":0,"end_index":1,"url":"https://x/{i}","title":"t"}}}}"#
            )
        };
        answer(&format!(r#""content":"xx","annotations":[{}]"#, list(n, source)), "")
    }),
    ("sources in their places", |n| {
        let source = |i| {
            let (start, end) = (2 * i, 2 * i + 1);
            format!(
                r#"{{"type":"url_citation","url_citation":{{"start_index":{start},"end_index":{end},"url":"https://x/{i}","title":"t"}}}}"#
            )
        };
        answer(&format!(r#""content":"{}","annotations":[{}]"#, "é ".repeat(n), list(n, source)), "")
    }),
    ("thoughts and text", |n| {
        let text = r"\u00e9\n\u0022 ".repeat(n);
        answer(&format!(r#""reasoning_content":"{text}","content":"{text}""#), "")
    }),
];

fn answered_call(id: usize, name: usize) -> String {
    format!(
        r#"{{"id":"c{id}","type":"function","function":{{"name":"f{name}","arguments":"{{\"a\":{name}}}"}}}}"#
    )
}

fn answer(message: &str, fields: &str) -> String {
    let message = join(&[r#""role":"assistant""#.to_owned(), message.to_owned()]);
    let choice = format!(r#""choices":[{{"index":0,"message":{{{message}}},"finish_reason":"stop"}}]"#);
    let said = [r#""id":"c","object":"chat.completion","created":1,"model":"m""#.to_owned(), choice];
    format!("{{{}}}", join(&[join(&said), fields.to_owned()]))
}

/// The text with unknown fields in each of its objects that begins a line, none like another.
pub(crate) fn with_unknown_fields(text: &str) -> String {
    let mut fields = 0..;
    let pieces = text.split_inclusive('\n').map(|line| {
        let start = if line.starts_with('{') { Some(0) } else { line.strip_prefix("data: {").map(|_| 6) };
        match (start, fields.next()) {
            (Some(start), Some(i)) if !line[start..].starts_with("{}") => {
                format!(r#"{}{{"k{i}":1,{}"#, &line[..start], &line[start + 1..])
            }
            _ => line.to_owned(),
        }
    });
    pieces.collect()
}
