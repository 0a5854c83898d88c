/* SPDX-License-Identifier: MIT */
/* Strict tokens: see json_scan.h. */
#include "json_scan.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "text.h"

void json_scan_init(struct json_scanner *scanner, const char *bytes, size_t size)
{
	*scanner = (struct json_scanner){.at = bytes, .end = bytes + size, .line = 1};
}

static int fail(struct json_scanner *scanner, const char *error)
{
	scanner->error = error;
	return -EINVAL;
}

static void skip_space(struct json_scanner *scanner)
{
	for (; scanner->at < scanner->end; scanner->at++) {
		if (*scanner->at == '\n')
			scanner->line++;
		else if (*scanner->at != ' ' && *scanner->at != '\t' && *scanner->at != '\r')
			return;
	}
}

/* ---- strings */

/* Length of the escape at `at`, which points to its backslash; 0 if it is none. */
static size_t escape_length(const char *at, const char *end)
{
	if (end - at < 2)
		return 0;
	if (at[1] != 'u')
		return at[1] && strchr("\"\\/bfnrt", at[1]) ? 2 : 0;
	if (end - at < 6)
		return 0;
	for (size_t i = 2; i < 6; i++)
		if (!at[i] || !strchr("0123456789abcdefABCDEF", at[i]))
			return 0;
	return 6;
}

/* Sixteen bytes at once, by whatever the processor has for it. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Of sixteen, of which one is not zero. */
static size_t first_set_byte(const uint64_t halves[2])
{
	const size_t half = halves[0] ? 0 : 1;
	const uint64_t in_order = le64toh(halves[half]); /* the first byte becomes the lowest */

	return half * 8 + (size_t)__builtin_ctzll(in_order) / 8;
}

/* How many bytes there are that mean themselves in a string. */
static size_t plain_length(const char *at, const char *end)
{
	const char *from = at;

	for (; end - at >= 16; at += 16) {
		union {
			bytes16 bytes;
			uint64_t halves[2];
		} special;
		bytes16 bytes;

		memcpy(&bytes, at, sizeof(bytes));
		special.bytes = (bytes16)((bytes < 0x20) | (bytes >= 0x80) | (bytes == '"') |
					  (bytes == '\\'));
		if (special.halves[0] | special.halves[1])
			return (size_t)(at - from) + first_set_byte(special.halves);
	}
	while (at < end && is_plain((unsigned char)*at))
		at++;
	return (size_t)(at - from);
}

static int scan_string(struct json_scanner *scanner, bool *ret_has_nul)
{
	const char *end = scanner->end;

	for (const char *at = scanner->at + 1; at < end;) {
		size_t length;

		at += plain_length(at, end);
		if (at == end)
			break;
		if (*at == '"') {
			scanner->at = at + 1;
			return 0;
		}
		if ((unsigned char)*at < 0x20)
			return fail(scanner, "a control character in a string, expected an escape");
		if (*at == '\\')
			length = escape_length(at, end);
		else
			length = text_utf8_length((const unsigned char *)at,
						  (const unsigned char *)end);
		if (length == 6 && memcmp(at + 2, "0000", 4) == 0)
			*ret_has_nul = true;
		if (length == 0)
			return fail(scanner, *at == '\\' ? "an escape that JSON does not know"
							 : "bytes that are not UTF-8");
		at += length;
	}
	return fail(scanner, "a string without its closing quote");
}

/* ---- numbers and words */

static size_t digits(const char *at, const char *end)
{
	size_t count = 0;

	while (at + count < end && at[count] >= '0' && at[count] <= '9')
		count++;
	return count;
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static int scan_number(struct json_scanner *scanner)
{
	const char *at = scanner->at, *end = scanner->end;
	size_t whole, count;

	if (*at == '-')
		at++;
	whole = digits(at, end);
	if (whole == 0 || (whole > 1 && *at == '0'))
		return fail(scanner, "a number that JSON does not know");
	at += whole;
	if (at < end && *at == '.') {
		count = digits(++at, end);
		if (count == 0)
			return fail(scanner, "a number that ends in its decimal point");
		at += count;
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		count = digits(at, end);
		if (count == 0)
			return fail(scanner, "a number without its exponent");
		at += count;
	}
	scanner->at = at;
	return 0;
}

static int scan_word(struct json_scanner *scanner)
{
	static const struct {
		const char *text;
		size_t size;
	} words[] = {{"null", 4}, {"true", 4}, {"false", 5}};
	const size_t left = (size_t)(scanner->end - scanner->at);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (left >= words[i].size &&
		    memcmp(scanner->at, words[i].text, words[i].size) == 0) {
			scanner->at += words[i].size;
			return 0;
		}
	}
	return fail(scanner, "a character that begins no value");
}

static int scan_bare(struct json_scanner *scanner, enum json_token_type *ret_type)
{
	const char first = *scanner->at;
	const bool is_number = first == '-' || (first >= '0' && first <= '9');

	*ret_type = is_number ? JSON_TOKEN_NUMBER : JSON_TOKEN_WORD;
	return is_number ? scan_number(scanner) : scan_word(scanner);
}

int json_scan(struct json_scanner *scanner, struct json_token *ret_token)
{
	int r = 0;

	skip_space(scanner);
	if (scanner->at == scanner->end)
		return 0;
	ret_token->start = scanner->at;
	ret_token->line = scanner->line;
	ret_token->has_nul = false;
	switch (*scanner->at) {
	case '{':
	case '}':
	case '[':
	case ']':
	case ':':
	case ',':
		ret_token->type = JSON_TOKEN_PUNCTUATION;
		scanner->at++;
		break;
	case '"':
		ret_token->type = JSON_TOKEN_STRING;
		r = scan_string(scanner, &ret_token->has_nul);
		break;
	default:
		r = scan_bare(scanner, &ret_token->type);
	}
	ret_token->size = (size_t)(scanner->at - ret_token->start);
	return r == 0 ? 1 : r;
}

int json_scan_rest(struct json_scanner *scanner, struct json_token *token)
{
	int depth = 0;

	for (;;) {
		int r;

		depth += json_token_is(token, '{') || json_token_is(token, '[');
		depth -= json_token_is(token, '}') || json_token_is(token, ']');
		if (depth <= 0)
			return 1;
		r = json_scan(scanner, token);
		if (r != 1)
			return r;
	}
}

size_t json_value_size(const char *value, const char *end)
{
	struct json_scanner scanner;
	struct json_token token;

	json_scan_init(&scanner, value, (size_t)(end - value));
	if (json_scan(&scanner, &token) != 1 || json_scan_rest(&scanner, &token) != 1)
		return 0;
	return (size_t)(scanner.at - value);
}
