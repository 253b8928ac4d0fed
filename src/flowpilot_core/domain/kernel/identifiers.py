"""The ids of things: UUIDs that the type checker keeps apart."""

from typing import NewType
from uuid import UUID

AccountId = NewType("AccountId", UUID)
UserId = NewType("UserId", UUID)
TeamId = NewType("TeamId", UUID)
TokenId = NewType("TokenId", UUID)
SignInId = NewType("SignInId", UUID)
SignInCodeId = NewType("SignInCodeId", UUID)
ProviderId = NewType("ProviderId", UUID)
SessionId = NewType("SessionId", UUID)
BranchId = NewType("BranchId", UUID)
ForkPointId = NewType("ForkPointId", UUID)
StepId = NewType("StepId", UUID)
PictureId = NewType("PictureId", UUID)
HandoffId = NewType("HandoffId", UUID)
DeliveryId = NewType("DeliveryId", UUID)
EventId = NewType("EventId", UUID)
PolicyRunId = NewType("PolicyRunId", UUID)
ClaimWatchId = NewType("ClaimWatchId", UUID)
InvitationId = NewType("InvitationId", UUID)
PsaConnectionId = NewType("PsaConnectionId", UUID)
PsaPostId = NewType("PsaPostId", UUID)
PsaTicketId = NewType("PsaTicketId", UUID)
AssessmentId = NewType("AssessmentId", UUID)
OutputId = NewType("OutputId", UUID)
SuggestionId = NewType("SuggestionId", UUID)
SecretId = NewType("SecretId", UUID)
WebhookId = NewType("WebhookId", UUID)
WebhookMessageId = NewType("WebhookMessageId", UUID)
TreeId = NewType("TreeId", UUID)
TreeCategoryId = NewType("TreeCategoryId", UUID)
ScriptTemplateId = NewType("ScriptTemplateId", UUID)
RatingId = NewType("RatingId", UUID)

PLATFORM_ACCOUNT = AccountId(UUID("00000000-0000-0000-0000-000000000001"))
"""The account that owns what everyone may read."""
