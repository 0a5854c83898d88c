/* SPDX-License-Identifier: MIT */
/* Any bytes as JSON: what one pass is sure of is an object for the strict reader, too. */
#include "../../worker/src/json_scan.h"
#include "fuzz.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	char error[JSON_ERROR_BYTES];
	struct json_object *object;

	if (!json_see_plain_object(bytes, size, NULL, NULL))
		return 0;
	object = json_read(bytes, size, error);
	CHECK(json_object_is_type(object, json_type_object));
	json_object_put(object);
	return 0;
}
