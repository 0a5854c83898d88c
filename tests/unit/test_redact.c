/* SPDX-License-Identifier: MIT */
/*
 * What the caller wrote never comes back in an error's text; what a provider means by it stays.
 */
#include <string.h>

#include "../../worker/src/redact.h"
#include "cunit_main.h"

#define MESSAGES(content)                                                         \
	"{\"model\":\"gpt-4o-mini-2024-07-18\",\"messages\":[{\"role\":\"user\"," \
	"\"content\":" content "}]}"

static const struct {
	const char *request;
	const char *text;
	const char *expected;
} cases[] = {
	/* a run of the prompt, wherever it stands */
	{MESSAGES("\"please explain quantum chromodynamics to me\""),
	 "Invalid input: please explain quantum chrom", "Invalid input: [hidden]"},
	{MESSAGES("\"please explain quantum chromodynamics to me\""),
	 "cannot parse 'quantum chromodynamics' here", "cannot parse '[hidden]' here"},
	/* a whole short prompt */
	{MESSAGES("\"tell me\""), "flagged: tell me (policy)", "flagged: [hidden] (policy)"},
	/* a word that names something */
	{MESSAGES("\"my number is AB-1234-CD, is it good?\""), "bad value AB-1234-CD in content",
	 "bad value [hidden] in content"},
	/* what the provider quotes */
	{MESSAGES("\"the password is hunter2, PLANTEDPROMPT\""),
	 "Invalid text 'hunter2' near \"PLANTEDPROMPT\" or `PLANTED`",
	 "Invalid text '[hidden]' near \"[hidden]\" or `[hidden]`"},
	{MESSAGES("\"of roles\""), "unknown member 'role' of 'messages[0]', don't say 'of' it",
	 "unknown member '[hidden]' of 'messages[0]', don't say 'of' it"},
	{MESSAGES("\"PLANTEDPROMPT: hunter2 or HunterTwo\""),
	 "unknown token PLANTEDPROMPT, hunter2, HunterTwo, hunter",
	 "unknown token [hidden], [hidden], hunter"},
	/* in quotes of any kind, or in one that was cut */
	{MESSAGES("\"open sesame, now\""),
	 "“sesame” ‘sesame’ «sesame» »sesame« „sesame“ „sesame” ‹sesame› 「sesame」",
	 "“[hidden]” ‘[hidden]’ «[hidden]» »[hidden]« „[hidden]“ „[hidden]” ‹[hidden]› "
	 "「[hidden]」"},
	{MESSAGES("\"open sesame, now\""),
	 "{\\\"text\\\":\\\"sesame\\\"} &quot;sesame&quot; &#39;open&#39;",
	 "{\\\"text\\\":\\\"[hidden]\\\"} &quot;[hidden]&quot; &#39;[hidden]&#39;"},
	{MESSAGES("\"open sesame, now\""),
	 "cannot parse 'open ses...' or \"open sesa…\" or \"sesame, n",
	 "cannot parse '[hidden]...' or \"[hidden]…\" or \"[hidden]"},
	{MESSAGES("\"open sesame, now\""), "don't open it, that's “open-ended” and 'sesame ...'",
	 "don't open it, that's “open-ended” and '[hidden] ...'"},
	/* as a URL or a page has it */
	{MESSAGES("\"please explain: <größe> & quantum\""),
	 "bad path /please%20explain%3A%20%3Cgr%C3%B6%c3%9fe%3E+%26+quantum?x=1%",
	 "bad path /[hidden]?x=1%"},
	{MESSAGES("\"please explain: <größe> & quantum\""),
	 "got &quot;please explain: &lt;gr&#246;&#xDf;e&gt; &amp; quantum&quot; &#; &#x; &#xz; &no",
	 "got &quot;[hidden]&quot; &#; &#x; &#xz; &no"},
	{MESSAGES("\"100% of AT&T, please; 5%fe and &#99999999; too\""),
	 "why 100% of AT&T, please; 5%fe and &#99999999; too?", "why [hidden]?"},
	/* with other blanks, line breaks, escapes and capitals than the caller's */
	{MESSAGES("\"user: bob\\npin: 4711\\r\\ncity: Rome\""),
	 "You said: user: bob pin: 4711 city: Rome and that", "You said: [hidden] and that"},
	{MESSAGES("\"user: bob\\npin: 4711\\r\\ncity: Rome\""),
	 "got {\"content\":\"user: bob\\npin: 4711\\r\\ncity: Rome\"}",
	 "got {\"content\":\"[hidden]\"}"},
	{MESSAGES("\"tab\\tin  the\\tprompt\""), "You said: tab in the prompt",
	 "You said: [hidden]"},
	{MESSAGES("\"a little WORD\""), "YOU SAID: A LITTLE word", "YOU SAID: [hidden]"},
	{MESSAGES("\"gr\xc3\xb6\xc3\x9f"
		  "e der stra\xc3\x9f"
		  "e\""),
	 "{\\\"content\\\":\\\"gr\\u00f6\\u00dfe der stra\\u00dfe\\\"}",
	 "{\\\"content\\\":\\\"[hidden]\\\"}"},
	{MESSAGES("\"\\ud83d\\ude00 \xe4\xbd\xa0\xe5\xa5\xbd\xe5\x90\x97\""),
	 "bad: \\ud83d\\ude00 \\u4f60\\u597d\\u5417 and \xe4\xbd\xa0",
	 "bad: [hidden] and \xe4\xbd\xa0"},
	/* one line of several, if it is more than a word */
	{MESSAGES("\"the token:\\npin: 4711\\nstop\""),
	 "said pin: 4711, and will not stop the token",
	 "said [hidden], and will not stop [hidden]"},
	/* on both sides of a key in it */
	{MESSAGES("\"deploy with sk-abcdefgh12345678 at midnight\""),
	 "You said: deploy with [hidden] at midnight", "You said: [hidden] [hidden] [hidden]"},
	{MESSAGES("\"what it is good for\""), "Incorrect API key: [hidden]. It is wrong",
	 "Incorrect API key: [hidden]. It is wrong"},
	/* parts, system messages, tool arguments */
	{MESSAGES("[{\"type\":\"text\",\"text\":\"a very private sentence\"}]"),
	 "refused: a very private sentence", "refused: [hidden]"},
	{"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\","
	 "\"arguments\":\"{\\\"city\\\":\\\"Villarriba\\\"}\"}}]}]}",
	 "bad arguments {\"city\":\"Villarriba\"}", "bad arguments {\"[hidden]\"}"},
	/* what is not the caller's stays: names of models and parameters, words of the language */
	{MESSAGES("\"what is the maximum context length?\""),
	 "The model `gpt-4o-mini-2024-07-18` does not exist",
	 "The model `gpt-4o-mini-2024-07-18` does not exist"},
	{MESSAGES("\"how long is it, at the maximum, in tokens per minute?\""),
	 "Rate limit reached: tokens per min", "Rate limit reached: tokens per min"},
	{MESSAGES("\"\""), "something failed", "something failed"},
	{"{\"prompt\":\"x\"}", "something failed", "something failed"},
	{"not json", "something failed", "something failed"},
	{MESSAGES("\"anything\""), "", ""},
	/* characters of several bytes are hidden whole */
	{MESSAGES("\"\xc3\xa4\xc3\xb6\xc3\xbc sind drei Umlaute\""),
	 "unklar: \xc3\xb6\xc3\xbc sind drei Uml\xc3\xb6uter", "unklar: [hidden]\xc3\xb6uter"},
};

static void test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[160];

		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		redact(text, sizeof(text), cases[i].request, strlen(cases[i].request));
		CU_ASSERT_STRING_EQUAL(text, cases[i].expected);
		if (strcmp(text, cases[i].expected) != 0)
			printf("case %zu: '%s'\n", i, text);
	}
}

/* What is cut off begins something that would have been hidden. */
static void test_a_text_that_was_cut_ends_in_what_is_hidden(void)
{
	static const char request[] = MESSAGES("\"attack at dawn, from the east\"");
	char text[] = "You said: attack at";

	redact(text, sizeof(text), request, strlen(request));
	CU_ASSERT_STRING_EQUAL(text, "You said: [hidden]");
}

static void test_the_text_stays_in_its_place(void)
{
	const char request[] = MESSAGES("\"tell\"");
	char text[24 + 1];

	memcpy(text, "tell tell tell tell tel\0", 25);
	text[24] = '!'; /* behind the end of the text */
	redact(text, 24, request, strlen(request));
	CU_ASSERT_EQUAL(text[24], '!');
	text[24] = '\0';
	CU_ASSERT_STRING_EQUAL(text, "[hidden] [hidden] ");
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_cases),
		CUNIT_TEST(test_a_text_that_was_cut_ends_in_what_is_hidden),
		CUNIT_TEST(test_the_text_stays_in_its_place),
	};

	return CUNIT_MAIN("redact", tests);
}
