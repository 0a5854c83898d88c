/* SPDX-License-Identifier: MIT */
/*
 * Internal: what another form says, written as chunks in OpenAI's form. Adapters tell it what they
 * read, piece by piece; where the pieces go (to a caller, or into an answer) is not their concern.
 *
 * All functions return 0; -ENOMEM; or what emit() returned. A choice is below CHUNK_CHOICES_MAX.
 */
#ifndef LULL_WORKER_CHUNK_WRITER_H
#define LULL_WORKER_CHUNK_WRITER_H

#include "wire.h"

#define CHUNK_CHOICES_MAX 8u /* Gemini's largest candidateCount; the other forms know one */

struct chunk_writer {
	int (*emit)(struct json_object *chunk, void *userdata); /* borrows the chunk */
	void *userdata;
	const char *model;         /* the route's, where the wire names none; NULL unknown */
	struct json_object *head;  /* id, object, created, model */
	struct json_object *usage; /* of the wire: the latest value of each member */
	bool is_answer;    /* a whole one, taken apart: that its text is empty is said, too */
	bool is_done;      /* the form says that nothing follows */
	bool has_finished; /* a choice has ended */
	struct {
		uint32_t call_count;
		bool has_role;        /* the first delta of a choice names the role */
		bool lacks_arguments; /* the last call has none so far */
	} choices[CHUNK_CHOICES_MAX];
};

void chunk_writer_init(struct chunk_writer *writer, const char *model,
		       int (*emit)(struct json_object *chunk, void *userdata), void *userdata);
void chunk_writer_deinit(struct chunk_writer *writer);

struct event_reader {
	const char *name; /* of the event; NULL ends the list */
	int (*read)(struct chunk_writer *writer, struct json_object *event);
};

/* An event by the reader of that name (NULL: it has none); where there is none, it is skipped. */
int chunk_event(struct chunk_writer *writer, const struct event_reader *readers, const char *name,
		struct json_object *event);

/* The answer's own id and model; NULL says nothing. Without an id one is made. */
int chunk_identify(struct chunk_writer *writer, const char *id, const char *model);
/* Its id is in that header; NULL: in none. */
int chunk_identify_by(struct chunk_writer *writer, const struct wire_response *head,
		      const char *header);

/* A piece of "content", "refusal" or "reasoning_content". What is no text, or an empty one, writes nothing. */
int chunk_text(struct chunk_writer *writer, uint32_t choice, const char *member,
	       struct json_object *text);

/*
 * A tool call begins. id: NULL one is made. arguments: what the wire has for them so far, a text as
 * it stands, an object as JSON; NULL none. Return: also -EBADMSG they are neither, as all that
 * takes them.
 */
int chunk_call(struct chunk_writer *writer, uint32_t choice, const char *id, const char *name,
	       struct json_object *arguments);
/* A whole call, with what the vendor wants to have back with it: taken; NULL none. */
int chunk_call_with(struct chunk_writer *writer, uint32_t choice, const char *id, const char *name,
		    struct json_object *arguments, struct json_object *extra_content);
/* More of the last call's arguments. */
int chunk_arguments(struct chunk_writer *writer, uint32_t choice, struct json_object *arguments);
/* The last call is whole: "{}" if no arguments came. */
int chunk_call_end(struct chunk_writer *writer, uint32_t choice);

/* How likely the latest tokens were: a list in OpenAI's form, taken. NULL writes nothing. */
int chunk_logprobs(struct chunk_writer *writer, uint32_t choice, struct json_object *content);

struct finish_name {
	const char *wire; /* NULL ends the list */
	const char *openai;
};

/* Why the choice ended. A name that is not in the list means "stop"; a stop after calls, calls. */
int chunk_finish(struct chunk_writer *writer, uint32_t choice, const struct finish_name *names,
		 const char *wire);

/* Remembers what the wire said of tokens used: later values replace earlier ones. */
int chunk_note_usage(struct chunk_writer *writer, struct json_object *usage);
/* A member of what is remembered, 0 to 2^53; 0 where there is none. */
int64_t chunk_noted(const struct chunk_writer *writer, const char *member);

struct chunk_usage {
	int64_t prompt;
	int64_t completion;
	int64_t cached;    /* of prompt */
	int64_t reasoning; /* of completion */
};
/* What that comes to in OpenAI's form. Writes nothing where nothing was noted. */
int chunk_usage(struct chunk_writer *writer, const struct chunk_usage *usage);

#endif
