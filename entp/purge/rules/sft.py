"""What goes wrong with instruction data in particular: refusals, leaked templates, instructions without their input."""

from __future__ import annotations

import polars as pl

from entp.purge.rule import Upper, rule
from entp.purge.text import ascii_edges, looks_like_code, share, where

_CANNOT = r"(?:can(?:no|['’])t|cannot|am (?:unable|not able) to|am not capable of|do(?: not|n['’]t) have)"
_REFUSAL = ascii_edges(
    r"(?i)^\W*(?:"
    rf"(?:(?:i['’]?m|i am) )?(?:very |so )?(?:sorry|afraid)\b[^.\n]{{0,60}}\bi {_CANNOT}"
    r"[^.\n]{0,30}\b(?:answer|help|assist|fulfill?|complete|provide|generate|create|write|comply|process|perform|access"
    r"|view|see|open|play|browse|information|ability|capability|enough)"
    rf"|as (?:an?|your) (?:ai|artificial intelligence|language model)\b[^.\n]{{0,80}}\bi {_CANNOT}"
    rf"|i {_CANNOT} (?:the ability|the capability|access to|fulfill?|assist|comply|answer this|answer that"
    r"|complete this|help (?:you )?with|provide (?:you )?with|generate|create an? (?:image|audio|video|picture))"
    r"|(?:this|the) (?:type|kind) of (?:instruction|request|task|question)[^.\n]{0,20}cannot be"
    r"|unfortunately,? (?:as an ai[^.\n]{0,20} )?i "
    rf"{_CANNOT}[^.\n]{{0,20}}(?:answer|fulfill|assist|complete this|generate|process|create)"
    r"|(?:很|非常|十分)?(?:抱歉|对不起|不好意思)[，,！!。\s]{0,2}(?:但|但是)?(?:我|作为)[^。\n]{0,24}(?:无法|不能|没有能力)(?:为您|为你|直接)?"
    r"(?:回答|提供|完成|生成|处理|画|帮|满足|访问|查看|执行|协助|给出|创作|判断|理解|获取|翻译|播放)"
    r"|作为[^。\n]{0,16}(?:AI|人工智能|语言模型|机器人|助手)[^。\n]{0,20}(?:无法|不能|没有能力)"
    r"|我(?:无法|不能)(?:回答|完成|提供|访问|生成|处理|执行|满足|协助)"
    r")"
)
_BOILERPLATE = ascii_edges(
    r"(?i)\bas an? (?:ai|artificial intelligence)(?: language)? (?:model|assistant|system|chatbot)\b"
    r"|\bas a (?:large )?language model\b|\bas an ai\b,"
    r"|\b(?:i['’]?m|i am) (?:just |only )?an? (?:ai|language) (?:language )?model\b"
    r"|\bmy (?:training data|knowledge cut-?off)\b"
    r"|作为(?:一个|一名|一款)?(?:AI|人工智能|大型?语言|语言)[^，。\n]{0,6}(?:模型|助手|机器人)"
)
_ABOUT_MACHINES = ascii_edges(
    r"(?i)\b(?:ai|a\.i\.|artificial intelligence|language models?|gpt\S*|chat ?bots?|robots?|assistant|machine learning"
    r"|refus\w*|apolog\w*|declin\w*|reply|respond|dialog\w*|conversation)\b|人工智能|机器人|拒绝|道歉|对话|回复|聊天"
)
_MEDIUM = r"(?:image|picture|photo|photograph|screenshot|video|audio|recording|attachment|diagram|map|painting|drawing)"
_FILE = r"(?:file|document|spreadsheet|pdf|link|url|website|web page|webpage|article)"
_TEXT = (
    r"(?:text|passage|paragraph|article|sentences?|story|poem|excerpt|email|essay|review|code|dialogue|conversation)"
)
_ROLE_LINE = (
    r"(?:#{2,3} ?(?:Instruction|Response|Input|Human|Assistant|User|System|指令|回答|输入)"
    r"|<(?:human|bot|user|assistant)>)"
)
#: The numbered layout in which Self-Instruct asks for the next task.
_NEXT_TASK = (
    r"(?m)^\s*\d{1,2}\. ?(?:Instruction|说明|指令|指示)[:：][^\n]*\n+\s*\d{1,2}\. ?(?:Input|Output|输入|输出)[:：]"
)
_SPECIAL_TOKEN = (
    r"(?:<\|(?:im_start|im_end|endoftext|eot_id|end_of_text|begin_of_text|start_header_id|end_header_id|user|assistant"
    r"|system|end|pad)\|>|\[/?INST\]|<</?SYS>>|<eo[ahmtc]>|\[UNUSED_TOKEN_\d+\])"
)
_ABOUT_TEMPLATES = r"(?i)token|template|prompt|markdown|format|dialog|conversation|chat|instruction|对话|模板|格式"


@rule(reason="noinput_leftover", scope="prompt", action="repair", source="Self-Instruct's marker for a missing input")
def noinput_leftover(text: pl.Expr) -> pl.Expr:
    r"""A marker that says "there is no input" is removed from the end of the prompt.

    Trips:  "Name three fruits.\n\n<noinput>" -> "Name three fruits."
    Trips:  "Name three fruits.\nInput: No input required." -> "Name three fruits."
    Passes: "What does the tag <noinput> mean?"
    """
    marker = r"(?:`?<\s*(?:no ?input|无输入)\s*>`?|no ?input(?: required| needed)?|无输入)"
    return text.str.replace(rf"(?i)\s*\n\s*(?:input:?\s*)?{marker}[.。]?\s*$", "")


@rule(
    reason="trailing_role_marker",
    scope="response",
    action="repair",
    source="docs/method.md, stage 2: SFT (leaked role markers)",
)
def trailing_role_marker(text: pl.Expr) -> pl.Expr:
    r"""A role marker or special token that nothing follows is removed from the end of the response.

    Trips:  "Paris.<|im_end|>\n" -> "Paris."
    Trips:  "Paris.\n\n### Instruction:" -> "Paris."
    Trips:  "Paris.</s>" -> "Paris."
    Passes: "<s>struck out</s>"
    Passes: "Name:\nAddress:\nAssistant:"
    """
    token = rf"\s*(?:{_SPECIAL_TOKEN}|\n\s*{_ROLE_LINE}[:：]?)\s*$"
    unopened = ~text.str.contains(r"<s>.+</s>")
    stripped = text.str.replace(token, "")
    return pl.when(unopened).then(stripped.str.replace(r"\s*</s>\s*$", "")).otherwise(stripped)


@rule(
    reason="leaked_role_marker",
    scope=("prompt", "response"),
    prior=Upper(0),
    action="drop",
    source="docs/method.md, stage 2: SFT (leaked role markers and special tokens)",
)
def leaked_role_marker(prompt: pl.Expr, response: pl.Expr) -> pl.Expr:
    r"""Role markers at the start of a line, and special tokens, inside the response: a second turn has leaked into it.

    Trips:  ("Name a city.", "Paris.\n### Instruction:\nName a river.\n### Response:\nThe Seine.")
    Trips:  ("Name a city.", "Paris.\n\n6. Instruction: Name a river.\n6. Input:\nFrance\n6. Output:\nThe Seine.")
    Passes: ("Write a dialogue between a user and an assistant.", "User: Hello!\nAssistant: Hello, how can I help?")
    Passes: ("Outline an essay.", "### Introduction\nTea.\n### Conclusion\nMore tea.")
    """
    markers = response.str.count_matches(rf"(?m)^\s*{_ROLE_LINE}\s*[:：]|{_SPECIAL_TOKEN}|{_NEXT_TASK}")
    return where(~prompt.str.contains(_ABOUT_TEMPLATES), markers)


@rule(
    reason="refusal",
    scope=("prompt", "response", "chinese"),
    prior=Upper(0),
    action="drop",
    source="docs/method.md, stage 2: SFT",
)
def refusal(prompt: pl.Expr, response: pl.Expr, chinese: pl.Expr) -> pl.Expr:
    """1 where a short response begins by declining the task, and the prompt does not ask for such a reply.

    Longer ones mostly decline a part and help with the rest.

    Trips:  ("Draw a cat.", "I'm sorry, but I cannot create images.")
    Trips:  ("画一只猫。", "很抱歉，我无法画图。")
    Passes: ("Write an apology.", "I'm sorry that I forgot your birthday.")
    Passes: ("Can fish fly?", "Fish cannot fly, but some glide.")
    """
    short = response.str.len_chars() <= pl.when(chinese).then(120).otherwise(300)
    return where(short & response.str.contains(_REFUSAL) & ~prompt.str.contains(_ABOUT_MACHINES), pl.lit(1))


@rule(
    reason="ai_boilerplate",
    scope=("prompt", "response"),
    prior=Upper(0),
    action="flag",
    source="docs/method.md, stage 2: SFT",
)
def ai_boilerplate(prompt: pl.Expr, response: pl.Expr) -> pl.Expr:
    """Phrases by which a model speaks of itself, where the prompt is not about such machines.

    A flag only: on real rows, half of the answers go on to be useful.

    Trips:  ("Which is your favourite tea?", "As an AI language model, I have no favourite. Many like green tea.")
    Passes: ("Write a greeting for a chatbot.", "Hello! As an AI assistant, I can answer your questions.")
    Passes: ("Who uses machine learning?", "Banks use it to find fraud; as an AI technique it is well known.")
    """
    return where(~prompt.str.contains(_ABOUT_MACHINES), response.str.count_matches(_BOILERPLATE))


@rule(
    reason="copies_instruction",
    scope=("prompt", "response"),
    prior=Upper(0.6),
    action="drop",
    source="docs/method.md, stage 2: SFT",
)
def copies_instruction(prompt: pl.Expr, response: pl.Expr) -> pl.Expr:
    """Share of the response that is the prompt, word for word (0..1), for prompts of 20 characters and more.

    Trips:  ("Name three kinds of tea that grow in China.", "Name three kinds of tea that grow in China.")
    Passes: ("Correct the sentence: She go home.", "She goes home.")
    Passes: ("Repeat after me: I like tea very much.", "Repeat after me: I like tea very much.")
    """
    asked = prompt.str.to_lowercase()
    given = response.str.to_lowercase()
    copied = given.str.contains(asked.str.strip_chars(), literal=True)
    long = prompt.str.len_chars() >= 20
    exempt = prompt.str.contains(
        ascii_edges(r"(?i)\b(?:repeat|copy|echo|quote|verbatim|say)\b|重复|复述|抄")
    ) | looks_like_code(response)
    return where(copied & long & ~exempt, share(prompt.str.len_chars(), response.str.len_chars()))


@rule(reason="absent_attachment", scope="prompt", prior=Upper(0), action="drop", source="docs/method.md, stage 2: SFT")
def absent_attachment(text: pl.Expr) -> pl.Expr:
    """1 where the prompt points at an image, recording or file that a text cannot carry, and gives no address or words.

    Trips:  "Describe what is happening in the attached image."
    Trips:  "Classify the animal in this picture."
    Passes: "Write a caption for the following photo of a bee on a flower."
    Passes: "Summarise the attached document:\\nTea is a drink that comes from the hills of Asia."
    """
    points = text.str.contains(
        ascii_edges(rf"(?i)\b(?:attached|this|following|given|provided|below|above) {_MEDIUM}\b")
    )
    attached = text.str.contains(
        ascii_edges(rf"(?i)\b(?:attached|uploaded|enclosed) {_FILE}\b|\b{_FILE} (?:attached|uploaded)\b")
    )
    described = text.str.contains(
        ascii_edges(rf"(?i)\b{_MEDIUM} (?:of|by|showing|from|called|titled|format|quality|editing)\b")
    )
    brief = text.str.len_chars() <= 200
    return where(brief & (points | attached) & ~described & ~_carries_content(text), pl.lit(1))


@rule(reason="absent_input", scope="prompt", prior=Upper(0), action="drop", source="docs/method.md, stage 2: SFT")
def absent_input(text: pl.Expr) -> pl.Expr:
    """1 where the prompt announces a text to work on, and ends there.

    Trips:  "Summarize the following article."
    Passes: "Summarize the following article.\\n\\nTea is a drink."
    Passes: "Correct the following sentence: He go home."
    """
    ends = ascii_edges(
        rf"(?i)\bthe (?:following|given|below|attached) {_TEXT}(?: (?:below|in your own words))?[.:]?\s*$"
    )
    return where(text.str.contains(ends) & ~_carries_content(text), pl.lit(1))


@rule(reason="bare_link", scope="response", prior=Upper(0), action="flag", source="our choice")
def bare_link(text: pl.Expr) -> pl.Expr:
    """1 where all there is of the response is an address on the web, which a model can only make up.

    Trips:  "https://example.org/how-to-make-tea"
    Passes: "See https://example.org for more."
    """
    return where(text.str.contains(r"(?i)^\W*(?:https?://|www\.)\S+\W*$"), pl.lit(1))


@rule(reason="placeholder_response", scope="response", prior=Upper(0), action="drop", source="our choice")
def placeholder_response(text: pl.Expr) -> pl.Expr:
    """1 where all there is of the response is a stand-in for one.

    Trips:  "<noinput>"
    Trips:  "Lorem ipsum dolor sit amet, consectetur adipiscing elit."
    Passes: "None"
    Passes: "0"
    """
    standin = ascii_edges(
        r"(?i)^\W*(?:<?no ?(?:input|output)>?|nan|null|undefined|todo|tbd|无(?:输入|输出)"
        r"|lorem ipsum dolor sit amet\b.*)\W*$"
    )
    return where(text.str.contains(standin), pl.lit(1))


@rule(reason="unfilled_template", scope="response", prior=Upper(0), action="flag", source="our choice")
def unfilled_template(text: pl.Expr) -> pl.Expr:
    """Gaps that the writer was meant to fill, such as "[insert name]".

    Trips:  "Dear [insert name], thank you for your letter."
    Passes: "See [1] for a list[str] and a [link](https://example.org)."
    """
    return text.str.count_matches(
        r"(?i)\[(?:insert|your|company|customer|recipient)[ '’\w]{0,30}\]|<insert [ '’\w]{1,30}>"
    )


def _carries_content(prompt: pl.Expr) -> pl.Expr:
    """The prompt has a second paragraph, an address, a quotation or words after a colon."""
    return prompt.str.strip_chars_end().str.contains(r"\n|https?://|www\.|[\"“«「].{4,}|:\s*\S.{5,}|：.{3,}")
