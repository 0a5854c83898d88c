/* SPDX-License-Identifier: MIT */
/* See utf8.h. */
#include "utf8.h"

#include <stdint.h>

size_t utf8_length(const unsigned char *text)
{
	static const struct {
		size_t length;
		uint32_t smallest;
		unsigned char lead_mask, lead;
	} forms[] = {
		{1, 0, 0x80, 0x00},
		{2, 0x80, 0xe0, 0xc0},
		{3, 0x800, 0xf0, 0xe0},
		{4, 0x10000, 0xf8, 0xf0},
	};

	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		uint32_t code;

		if ((text[0] & forms[f].lead_mask) != forms[f].lead)
			continue;
		code = text[0] & (unsigned char)~forms[f].lead_mask;
		for (size_t i = 1; i < forms[f].length; i++) {
			if ((text[i] & 0xc0) != 0x80) /* NUL too */
				return 0;
			code = code << 6 | (text[i] & 0x3f);
		}
		if (code < forms[f].smallest || code > 0x10ffff ||
		    (code >= 0xd800 && code <= 0xdfff))
			return 0;
		return forms[f].length;
	}
	return 0;
}
