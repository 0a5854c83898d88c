/* SPDX-License-Identifier: MIT */
/* See squeeze.h. */
#include "squeeze.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "text.h"

#define NO_CODE    UINT32_MAX
#define UTF8_BYTES 4u

static bool is_letter_or_digit(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} others[] = {
		{0x80, 0xbf},     /* Latin-1's signs */
		{0x2000, 0x206f}, /* blanks, dashes and quotes */
		{0x3000, 0x303f}, /* likewise, of Chinese and Japanese */
		{0xd800, 0xdfff}, /* halves of characters */
		{0xfeff, 0xfeff}, /* the mark of a text's beginning */
	};

	if (code < 0x80)
		return text_is_alnum((char)code);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (code >= others[i].first && code <= others[i].last)
			return false;
	return code != NO_CODE;
}

/* Four hexadecimal digits, and moves *at behind them. NO_CODE: there are none */
static uint32_t read_hex(const char **at, const char *end)
{
	uint32_t code = 0;

	if (end - *at < 4)
		return NO_CODE;
	for (int i = 0; i < 4; i++) {
		const int digit = text_hex_digit((*at)[i]);

		if (digit < 0)
			return NO_CODE;
		code = code * 16 + (uint32_t)digit;
	}
	*at += 4;
	return code;
}

/* Behind "\u"; characters beyond 16 bits are two escapes. */
static uint32_t read_u(const char **at, const char *end)
{
	const uint32_t code = read_hex(at, end);
	const char *second = *at;
	uint32_t low;

	if (code < 0xd800 || code > 0xdbff)
		return code;
	while (second < end && *second == '\\')
		second++;
	if (second == end || *second != 'u')
		return NO_CODE;
	second++;
	low = read_hex(&second, end);
	if (low < 0xdc00 || low > 0xdfff)
		return NO_CODE;
	*at = second;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/* Behind a backslash: the character that is meant. NO_CODE: none that counts */
static uint32_t read_escape(const char **at, const char *end)
{
	static const char breaks[] = {'n', 'r', 't', 'b', 'f'};

	while (*at < end && **at == '\\') /* of a text within a text */
		(*at)++;
	if (*at == end)
		return NO_CODE;
	if (memchr(breaks, **at, sizeof(breaks))) {
		(*at)++;
		return NO_CODE;
	}
	if (**at != 'u' || end - *at < 5 || text_hex_digit((*at)[1]) < 0)
		return NO_CODE;
	(*at)++;
	return read_u(at, end);
}

static uint32_t read_utf8(const char **at, const char *end)
{
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const unsigned char *bytes = (const unsigned char *)*at;
	const size_t length = text_utf8_length(bytes, (const unsigned char *)end);
	uint32_t code = bytes[0] & first_bits[length];

	*at += length ? length : 1;
	for (size_t i = 1; i < length; i++)
		code = code << 6 | (bytes[i] & 0x3f);
	return length ? code : NO_CODE;
}

/* "%c3%a4" of a URL: a byte each. NO_CODE, and *at is behind the percent sign: it is no such */
static uint32_t read_percent(const char **at, const char *end)
{
	char bytes[UTF8_BYTES] = "";
	const char *percent = *at, *begin = bytes;
	size_t count = 0;
	uint32_t code;

	for (; count < UTF8_BYTES && end - percent >= 3 && *percent == '%'; percent += 3) {
		const int high = text_hex_digit(percent[1]), low = text_hex_digit(percent[2]);

		if (high < 0 || low < 0)
			break;
		bytes[count++] = (char)(high << 4 | low);
	}
	code = count > 0 ? read_utf8(&begin, bytes + count) : NO_CODE;
	*at += count > 0 ? 3 * (begin - bytes) : 1;
	return code;
}

/* Behind "&#": a decimal number, or "x" and a hexadecimal one, and a semicolon. */
static uint32_t read_number(const char **at, const char *end)
{
	const bool is_hex = *at < end && (**at | 0x20) == 'x';
	const char *digit = *at + is_hex;
	uint32_t code = 0;

	for (; digit < end && *digit != ';'; digit++) {
		const int value = text_hex_digit(*digit);

		if (value < 0 || (!is_hex && value > 9) || code > 0x10ffff / 16)
			return NO_CODE;
		code = code * (is_hex ? 16 : 10) + (uint32_t)value;
	}
	if (digit == end || code == 0 || code > 0x10ffff)
		return NO_CODE;
	*at = digit + 1;
	return code;
}

/* "&quot;" and the like of a page: one by number, or the name of what is no letter. NO_CODE, and
 * *at is behind the ampersand: it is neither */
static uint32_t read_entity(const char **at, const char *end)
{
	static const char *const signs[] = {"amp;", "lt;", "gt;", "quot;", "apos;", "nbsp;"};

	(*at)++;
	if (*at < end && **at == '#') {
		(*at)++;
		return read_number(at, end);
	}
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		const size_t size = strlen(signs[i]);

		if ((size_t)(end - *at) >= size && memcmp(*at, signs[i], size) == 0) {
			*at += size;
			break;
		}
	}
	return NO_CODE;
}

static uint32_t read_character(const char **at, const char *end)
{
	switch (**at) {
	case '\\':
		(*at)++;
		return read_escape(at, end);
	case '%':
		return read_percent(at, end);
	case '&':
		return read_entity(at, end);
	default:
		return read_utf8(at, end);
	}
}

/* Return: how many bytes */
static size_t write_utf8(uint32_t code, char ret[UTF8_BYTES])
{
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	const size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = length; i-- > 1; code >>= 6)
		ret[i] = (char)(0x80 | (code & 0x3f));
	ret[0] = (char)(first[length] | code);
	return length;
}

size_t squeeze(const char *text, size_t size, char *ret, struct squeeze_place *ret_places)
{
	const char *at = text, *end = size ? text + size : text;
	size_t used = 0;

	while (at < end) {
		const char *begin = at;
		char bytes[UTF8_BYTES];
		uint32_t code = read_character(&at, end);
		size_t length;

		if (!is_letter_or_digit(code))
			continue;
		if (code >= 'A' && code <= 'Z')
			code += 'a' - 'A';
		length = write_utf8(code, bytes);
		memcpy(ret + used, bytes, length);
		for (size_t i = 0; ret_places && i < length; i++)
			ret_places[used + i] =
				(struct squeeze_place){(size_t)(begin - text), (size_t)(at - text)};
		used += length;
	}
	return used;
}
