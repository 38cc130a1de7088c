"""The table of rules that tell task types apart, for English and Chinese.

The types follow InstructGPT's use cases; the rules are our choice. They are asked in order, so the order decides:
"Write a Python function" is coding before it is generation. English patterns say how a request opens, Chinese ones
what a sentence holds (its verb may stand at its end), and `anywhere` what the whole instruction holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

# Words that several patterns share.
MAKE = "(?:write|create|generate|make|construct|develop|design|build|compose|produce|formulate|draft|craft|prepare)"
GIVE = "(?:(?:give|provide|offer|tell|show|supply|present|share|output|return)(?: me| us)?)"
FIND = "(?:find|identify|extract|select|highlight|underline|locate|list|pick out|pull out|point out|name|spot|count)"
DECIDE = (
    f"(?:identify|determine|find|decide|detect|state|say|indicate|predict|judge|check|evaluate|recogni[sz]e|{GIVE})"
)
LANGUAGE = r"(?:python|java|javascript|c\+\+|c#|sql|html|css|php|ruby|bash|regex)"
CODE = (
    rf"(?:code|{LANGUAGE}|regular expressions?|algorithms?|api"
    r"|quer(?:y|ies)|data structures?|(?:computer|shell|bash) (?:program|script)s?"
    r"|(?:functions?|programs?|scripts?|class|method) (?:to|that|which|called|named|in|using))"
)
QUANTITY = (
    r"(?:area|perimeter|volume|circumference|sum|product of|mean|median|mode|average of|(?:square|cube) roots?|slope"
    r"|derivative|integral|hypotenuse|value of [a-z]|roots of|probability|remainder|quotient|percentage|factorial"
    r"|standard deviation|(?:greatest|least|lowest|highest) common (?:factor|divisor|multiple|denominator)"
    r"|prime factor\w*|equation of|shortest path|distance between)"
)
UNIT = (
    r"(?:celsius|fahrenheit|kelvin|miles|km|kilomet\w+|met(?:er|re)s?|cm|inch\w*|feet|pounds|lbs|kilograms?|kg|grams?"
    r"|ounces|lit(?:er|re)s?|gallons?|cups|binary|decimal|hexadecimal|roman numerals?|percent\w*|fractions?|metric"
    r"|units?|dollars?|euros?|usd|seconds|minutes|hours)"
)
CLASS = (
    r"(?:type|kind|genre|tone|sentiment|emotion|mood|category|class|parts? of speech|tense|style|language"
    r"|literary device|figure of speech|point of view|odd one out)"
)
PART = (
    r"(?:nouns?|verbs?|adjectives?|adverbs?|pronouns?|subjects?|predicates?|objects?|clauses?|phrases?|words?|dates?"
    r"|names?|numbers?|key ?words?|key ?phrases?|entit(?:y|ies)|(?:hyper)?links?|elements?|sentences?|characters?"
    r"|topics?|themes?|metaphors?|similes?|information|claims?|facts?|people|places?|locations?)"
)
TEXT = (
    "(?:text|sentence|paragraph|passage|article|review|tweet|statement|story|poem|email|comment|quote|input|string)s?"
)
SEVERAL = r"(?:two|three|four|five|six|seven|eight|nine|ten|\d+|some|several|any|a few|different|multiple)"
OPTIONS = (
    r"(?:lists?|ideas?|suggestions?|examples?|ways?|tips|options?|reasons?|advice|recommendations?|strateg(?:y|ies)"
    r"|techniques?|steps|advantages|benefits|features|factors|pros and cons|adjectives?|synonyms?|antonyms?)"
)


@dataclass(frozen=True)
class Rule:
    """One way to know a task type: any of its regular expressions."""

    task_type: str
    english: tuple[str, ...] = ()
    chinese: tuple[str, ...] = ()
    anywhere: tuple[str, ...] = ()

    def knows_opening(self, clause: str) -> bool:
        return bool(self._english and self._english.match(clause))

    def knows_chinese(self, sentence: str) -> bool:
        return bool(self._chinese and self._chinese.search(sentence))

    def knows_text(self, instruction: str) -> bool:
        return bool(self._anywhere and self._anywhere.search(instruction))

    @cached_property
    def _english(self) -> re.Pattern[str] | None:
        return re.compile(rf"(?:{'|'.join(self.english)})(?!\w)", re.IGNORECASE) if self.english else None

    @cached_property
    def _chinese(self) -> re.Pattern[str] | None:
        return re.compile("|".join(self.chinese), re.IGNORECASE) if self.chinese else None

    @cached_property
    def _anywhere(self) -> re.Pattern[str] | None:
        return re.compile("|".join(self.anywhere), re.IGNORECASE | re.MULTILINE) if self.anywhere else None


RULES = (
    Rule(
        "translation",
        english=(
            r"translat\w+",
            "how (?:do|would) (?:you|i) say",
            rf"(?:{MAKE}|{GIVE}) (?:\w+ ){{0,2}}translations? (?:of|for|from|into)",
        ),
        chinese=("翻译|译[成为出]|用.{1,4}[语文](?:怎么说|表达)",),
    ),
    Rule(
        "coding",
        english=(
            "debug|refactor|implement|program",
            rf"{MAKE} .{{0,60}}?\b{CODE}",
            rf"(?:modify|edit|fix|optimi[sz]e|rewrite|convert|correct|explain|complete) .{{0,40}}?\b{CODE}",
            rf"how .*\b(?:in|with) {LANGUAGE}",
        ),
        chinese=(
            "(?:写|生成|创建|实现|设计|构建|优化|修改|给出).{0,30}(?:代码|程序|脚本|算法|函数|正则|SQL|查询语句)",
        ),
        anywhere=("```", r"\bdef \w+\(", "#include", r"\bSELECT\b.+\bFROM\b", "public static", r"\bprint\("),
    ),
    Rule(
        "mathematics",
        english=(
            r"calculate|compute|solve|multiply|subtract|integrate|factori[sz]e|(?:divide|add|convert) \d+",
            r"(?:simplify|evaluate) (?:\w+ ){0,3}(?:expression|equation|fraction|integral|polynomial)",
            rf"(?:{DECIDE}|what(?: is|'s)) (?:\w+ ){{0,3}}{QUANTITY}",
            rf"convert .*\b{UNIT}",
            r"(?:what is|what's|how much is|round) -?\d[\d.,/]* ?(?:[-+*×÷%^].*|x|plus|minus|times|divided|percent|to)",
        ),
        chinese=(
            "计算(?!机)|求解|解.{0,8}方程|最大公约数|最小公倍数|(?:单位|度量|公制).{0,6}转换",
            "[求找]出?.{0,20}(?:面积|体积|周长|之?和|乘积|平均[数值]|中位数|众数|平方根|概率|方程)",
            "多少.{0,3}(?:厘米|千米|公里|克|毫升|平方)",
        ),
        anywhere=(
            r"\d\s*[-+*/×÷^]\s*\d+\s*=",
            # Word problems: numbers, then how many.
            r"\A\D*\d+\D+\d[\s\S]*\bhow (?:many|much|long|far|old|fast|tall)\b[^?]*\?",
            r"\A\D*\d[\s\S]*(?:一共|总共|还剩|剩下).*[？?]",
        ),
    ),
    Rule(
        "summarisation",
        english=(
            "summari[sz]e|sum up|condense|recap|boil",
            rf"(?:{MAKE}|{GIVE}) .{{0,40}}?\b(?:summary (?:of|from|based)|tl;?dr|synopsis|gist|abstract (?:of|for))",
            rf"(?:what (?:is|are)|{FIND}|{GIVE}|outline) the (?:main|key|central) (?:idea|point|argument|message)s?",
        ),
        chinese=("总结|概括|摘要|归纳|提炼|缩写[为成]|概述.{0,10}(?:文章|段落|文本|以下|内容)",),
    ),
    Rule(
        "classification",
        chinese=("(?:以下|下[面列]|下述|这[个段句条篇]|给定|该|文档|文本|句子).{0,25}(?:是否|哪[个种类]|属于)",),
    ),
    Rule(
        "question_answering",
        chinese=(
            "^(?:请问)?(?:如何|怎[么样]|为什么|为何|什么|谁|哪|多少|何时)",
            "(?:什么|吗|呢|多少|哪些|如何|怎么样|为什么|哪里|几个|区别)[？?。]?$|？$",
        ),
    ),
    Rule(
        "rewriting",
        english=(
            "re-?write|rephrase|paraphrase|re-?word|revise|edit|correct|proofread|fix|improve|polish|restate|alter|adapt",
            "convert|transform|change|turn|modify|replace|substitute|update|shorten|simplify|expand|lengthen|reduce|trim",
            "combine|merge|join|connect|insert|add|remove|delete|re-?arrange|re-?organi[sz]e|reorder the words|reverse",
            "capitali[sz]e|punctuate|(?:re-?)?format|reformulate|restructure|recast|enhance|refine|rework|clarify|express",
            r"make (?:this|the|these|it|that)\b.*\b(?:more|less|\w+er|sound|into|past|present|passive|active)",
            r"(?:put|say|take) (?:this|the|these|it)\b.*\b(?:differently|other words|into|in (?:the )?\w+ tense)",
            rf"(?:{MAKE}|{GIVE}|suggest) .{{0,30}}?\b(?:paraphrase|corrections?|rewrite|revised version)",
        ),
        chinese=(
            "改写|重写|改[为成]|变[成为]|转换|转[成为化]|修改|润色|纠正|[更改]正|修正|校对|编辑|替换|替代|扩写|扩展|缩短|简化",
            "重新.{0,4}(?:排列|组织|表述|编排|措辞|安排)|调整|合并|组合[成为]|删除|去除|插入|添[加上]|加.{0,3}(?:标点|[逗句]号)|改[进善].{0,4}句",
        ),
    ),
    Rule(
        "classification",
        english=(
            "classify|categori[sz]e|label|tag|sort|rank|group|order|reorder|organi[sz]e|arrange|prioriti[sz]e|match|rate|assign",
            "choose|select|pick(?! out)|separate|divide|cluster",
            f"{DECIDE} (?:if|whether|which)",
            rf"{DECIDE} (?:the|its|their|what|which) (?:[\w'-]+ ){{0,3}}{CLASS}",
            "(?:is|are|does|do|can|would) (?:this|these|the (?:following|given|two|second|above))",
            rf"(?:which|what) (?:one )?(?:of (?:the|these)|{CLASS} (?:of|is|are|best|does))",
        ),
        chinese=(
            "分类|归类|分[为成]|类别|类型是|判断|辨别|属于|是否|情[感绪]|倾向|标记|排序|排列|分组|选择|选出|哪个选项|哪一?[个项]最",
            "(?:识别|确定|指出|检测).{0,20}(?:类型|语气|词性|体裁|风格)",
        ),
        anywhere=(r"^\s*options?:", r"^\s*\(?[aA][).:] .*\n\s*\(?[bB][).:] "),
    ),
    Rule(
        "extraction",
        english=(
            "extract|highlight|underline|retrieve|parse|pick out|pull out",
            rf"(?:{FIND}|{GIVE}) .{{0,30}}?\b{PART}\b.*\b(?:in|from|within|of|for) (?:\w+ ){{0,3}}{TEXT}",
            rf"(?:who|what|when|where|which) .*\b(?:in|from|according to) (?:the|this) (?:\w+ )?{TEXT}",
        ),
        chinese=(
            "提取|抽取|摘[取录]|标出|圈出|(?:找|查找|识别|列|指)出?.{0,20}[中里]的",
            "从.{0,20}(?:文本|句子|段落|文章|文档)[中里]?.{0,6}(?:找|选|识别)",
        ),
    ),
    Rule(
        "brainstorming",
        english=(
            "brainstorm|suggest|recommend|propose|enumerate|list(?! ?[=:])|think of|name(?! the)",
            rf"(?:{MAKE}|{GIVE}|come up with|identify|find|compile|cite|state) (?:\w+[ ,-]+){{0,4}}?{OPTIONS}",
            rf"(?:{GIVE}|come up with|identify|cite) {SEVERAL} (?:\w+ ){{0,3}}\w+s",
            r"what (?:are|is) (?:some|a few|several|\d+|two|three|four|five|a good) (?:\w+ ){0,3}(?:ways?|ideas?|tips)",
        ),
        chinese=(
            r"(?:给(?!定)出?|提供|说出?|想出).{0,4}(?:[\d一二两三四五六七八九十几]|一些)\s*[个种条项点]",
            "列出|列举|举出|举.{0,5}例|建议|推荐|点子|主意|想法|头脑风暴",
        ),
    ),
    Rule(
        "question_answering",
        english=(
            rf"(?:{MAKE}|{GIVE}) (?:\w+ ){{0,4}}?(?:definition|explanation|meaning|answer|difference)s?",
            "tell (?:me |us )?(?:about|what|how|why|who|when|where)",
        ),
    ),
    Rule(
        "generation",
        english=(
            MAKE,
            "outline|devise|invent|plan|imagine|continue|complete|finish|pretend|act as|role-?play|come up",
            "assemble|sketch|draw|compile|begin|start|script|author|narrate|respond|reply|pose|ask|set up|simulate",
            "put together|introduce|form|concoct|represent|visuali[sz]e",
            rf"{GIVE} (?:\w+ ){{0,3}}(?:story|joke|poem|riddle|title|headline|slogan|name|sentence|tagline|quote)s?",
        ),
        chinese=(
            "写|撰|创作|创建|创造|生成|设计|起草|草拟|作.?首|编.?[个首段]|讲.?个|制定|制作|构[建造思]",
            "策划|规划|安排|造句|发.?个|开发|完成|建立|产生|编造|提出|回复|打几句",
        ),
    ),
    Rule(
        "question_answering",
        english=(
            "wh(?:at|y|o|om|ose|en|ere|ich)|how|is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may",
            "explain|describe|define|compare|contrast|discuss|differentiate|distinguish|analy[sz]e|evaluate|assess",
            "examine|state|tell|interpret|elaborate|illustrate|research|investigate|answer|identify|find|give|provide",
            "name|show|determine|predict|estimate|report|trace|review|debate|argue|justify|specify|infer|guess|recall",
            r"look up|search|spell|fill in|cite|demonstrate|detail|detect|diagnose|offer|supply|output|return|.*\?$",
        ),
        chinese=(
            "解释|说明|描述|介绍|比较|对比|分析|讨论|简述|谈谈|阐述|定义|回答|探讨|评[估价]|告诉|给我|指出|找出|查找|确定|提供|研究",
            "猜测|识别|？",
        ),
    ),
)

#: What only talks, where no rule finds a request.
SMALL_TALK = Rule(
    "conversation",
    english=(
        "hi|hello|hey|thanks?(?: you)?|good (?:morning|evening|afternoon|night)|nice to meet you|ok(?:ay)?|sure|yes|no",
        "i(?:'m| am| feel| like| love| hate| have)",
    ),
    chinese=("^(?:你好|您好|谢谢|早上好|晚上好|再见|我(?:感到|觉得|很|喜欢|想|今天))",),
)
