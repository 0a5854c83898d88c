/* SPDX-License-Identifier: MIT */
/* lull metrics: what metrics.c writes, on stdout. */
#include <stdlib.h>

#include "exits.h"
#include "metrics.h"
#include "out.h"
#include "say.h"
#include "shared.h"

static int print_metrics(const struct invocation *invocation)
{
	struct lull_table *table = NULL;
	char *text;
	size_t size;
	int status = shared_open(invocation, false, &table);

	if (status != 0)
		return status;
	text = metrics_text(table, &size);
	if (text != NULL) {
		out_bytes(text, size);
	} else {
		say("out of memory");
		status = EXIT_BUG;
	}
	free(text);
	lull_table_close(table);
	return status;
}

const struct verb verb_metrics = {
	.name = "metrics",
	.summary = "print the table's counters and states for Prometheus",
	.details = "Counters are sums over all processes of this host since the table was made.\n",
	.examples = "  lull metrics | grep ^lull_attempts_saved_total\n"
		    "      attempts that the table has saved\n"
		    "  lull metrics >lull.prom.new && mv lull.prom.new lull.prom\n"
		    "      each minute, in the directory of node_exporter's textfile collector\n",
	.run = print_metrics,
};
