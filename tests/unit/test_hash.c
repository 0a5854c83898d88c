/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 against its authors' vectors; the table's own hash for what the table needs of it. */
#include <stdint.h>
#include <string.h>

#include "cunit_main.h"
#include "hash.h"

/*
 * From the SipHash paper, appendix A, and the authors' vectors.h: key 00 01 .. 0f, input the first
 * n of the bytes 00 01 02 ...
 */
static void test_siphash_matches_the_published_vectors(void)
{
	static const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
	static const struct {
		size_t length;
		uint64_t expected;
	} vectors[] = {
		{0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
		{2, UINT64_C(0x0d6c8009d9a94f5a)},  {3, UINT64_C(0x85676696d7fb7e2d)},
		{7, UINT64_C(0xab0200f58b01d137)},  {8, UINT64_C(0x93f5f5799a932462)},
		{15, UINT64_C(0xa129ca6149be45e5)}, {63, UINT64_C(0x958a324ceb064572)},
	};
	unsigned char input[64];

	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		CU_ASSERT_EQUAL(siphash24(key, input, vectors[i].length), vectors[i].expected);
}

static void test_a_changed_word_changes_the_hash(void)
{
	uint64_t words[8] = {0};
	uint64_t before = hash_words(words, 8);

	for (size_t i = 0; i < 8; i++) {
		for (int bit = 0; bit < 64; bit++) {
			words[i] ^= UINT64_C(1) << bit;
			CU_ASSERT_NOT_EQUAL(hash_words(words, 8), before);
			words[i] ^= UINT64_C(1) << bit;
		}
	}
}

static void test_swapped_words_change_the_hash(void)
{
	uint64_t words[2] = {1, 2}, swapped[2] = {2, 1};

	CU_ASSERT_NOT_EQUAL(hash_words(words, 2), hash_words(swapped, 2));
}

static void test_a_hash_is_never_zero(void)
{
	uint64_t nothing[4] = {0};

	CU_ASSERT_EQUAL(hash_end(0), 1);
	CU_ASSERT_NOT_EQUAL(hash_words(nothing, 4), 0);
}

static void test_a_tail_is_padded_with_zeros(void)
{
	const unsigned char bytes[] = "abcdefghij";

	CU_ASSERT_EQUAL(load_le64(bytes), UINT64_C(0x6867666564636261));
	CU_ASSERT_EQUAL(load_le64_tail(bytes, 10), UINT64_C(0x6a69));
	CU_ASSERT_EQUAL(load_le64_tail(bytes, 9), UINT64_C(0x69));
	CU_ASSERT_EQUAL(load_le64_tail(bytes, 3), UINT64_C(0x636261));
	CU_ASSERT_EQUAL(load_le64_tail(bytes, 8), 0);
}

static void test_hex_is_sixteen_digits(void)
{
	char text[17];

	hash_hex(UINT64_C(0x0123456789abcdef), text);
	CU_ASSERT_STRING_EQUAL(text, "0123456789abcdef");
	hash_hex(0, text);
	CU_ASSERT_STRING_EQUAL(text, "0000000000000000");
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_siphash_matches_the_published_vectors),
		CUNIT_TEST(test_a_changed_word_changes_the_hash),
		CUNIT_TEST(test_swapped_words_change_the_hash),
		CUNIT_TEST(test_a_hash_is_never_zero),
		CUNIT_TEST(test_a_tail_is_padded_with_zeros),
		CUNIT_TEST(test_hex_is_sixteen_digits),
	};

	return CUNIT_MAIN("hash", tests);
}
