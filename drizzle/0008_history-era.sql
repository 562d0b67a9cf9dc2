CREATE TABLE "sync_eras" (
	"era" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL
);
