"""The closed vocabulary of the embedded simulator: what its people say, and how it is heard.

Every phrase that one side says is one that the other side can read, with gaps on purpose: a
seeker who speaks a second language, or holds back, is harder to read than one who does not.
"""

from attunement.core.records import Emotion, Problem
from attunement.core.strategies import Strategy

FEELING_WORDS: dict[Emotion, tuple[str, ...]] = {
    Emotion.ANXIETY: ("anxious", "on edge", "worried", "anxiety"),
    Emotion.DEPRESSION: ("empty", "numb", "hopeless", "depressed", "depression"),
    Emotion.SADNESS: ("sad", "heavy-hearted", "tearful", "sadness"),
    Emotion.ANGER: ("angry", "furious", "fed up", "anger"),
    Emotion.FEAR: ("afraid", "scared", "frightened", "fear"),
    Emotion.SHAME: ("ashamed", "embarrassed", "small", "shame"),
    Emotion.DISGUST: ("disgusted", "sickened", "repelled", "disgust"),
    Emotion.NERVOUSNESS: ("nervous", "jittery", "restless", "nervousness"),
    Emotion.GUILT: ("guilty", "to blame", "remorseful", "guilt"),
    Emotion.JEALOUSY: ("jealous", "envious", "left behind", "jealousy"),
    Emotion.PAIN: ("hurt", "wounded", "in pain", "pain"),
}
"""The first three of each are what a seeker says; all are what is heard as the feeling."""

MASKS: dict[Emotion, Emotion] = {
    Emotion.ANXIETY: Emotion.NERVOUSNESS,
    Emotion.DEPRESSION: Emotion.SADNESS,
    Emotion.SADNESS: Emotion.ANGER,
    Emotion.ANGER: Emotion.NERVOUSNESS,
    Emotion.FEAR: Emotion.ANGER,
    Emotion.SHAME: Emotion.NERVOUSNESS,
    Emotion.DISGUST: Emotion.ANGER,
    Emotion.NERVOUSNESS: Emotion.ANXIETY,
    Emotion.GUILT: Emotion.SADNESS,
    Emotion.JEALOUSY: Emotion.ANGER,
    Emotion.PAIN: Emotion.ANGER,
}
"""What somebody who does not trust yet says instead of what they feel."""

STRENGTH: dict[int, tuple[str, ...]] = {
    5: ("unbearably", "so terribly"),
    4: ("really", "very"),
    3: ("quite", "rather"),
    2: ("a little", "somewhat"),
    1: ("hardly", "barely"),
}
"""How a seeker says an intensity of 1 to 5."""

TOPICS: dict[Problem, tuple[str, ...]] = {
    Problem.ONGOING_DEPRESSION: ("these days", "depress"),
    Problem.JOB_CRISIS: ("work", "job", "boss", "career", "shift", "office", "fired", "laid off"),
    Problem.BREAKUP: ("the breakup", "broke up", "boyfriend", "girlfriend", "my ex", "divorce"),
    Problem.FRIENDS: ("your friends", "friend"),
    Problem.ACADEMIC_PRESSURE: ("your studies", "exam", "school", "thesis", "grade", "university"),
    Problem.SLEEP: ("your nights", "sleep", "awake", "insomnia"),
    Problem.PROCRASTINATION: ("putting things off", "putting it off", "deadline", "procrastinat"),
    Problem.ALCOHOL: ("the drinking", "drink", "alcohol", "beer", "wine"),
    Problem.APPEARANCE: ("how you look", "mirror", "my body", "my face", "weight"),
    Problem.CHILDREN: ("your children", "my son", "my daughter", "my kids", "my child"),
    Problem.CONFLICT_WITH_PARENTS: ("the quarrel at home", "my parents", "argue with my"),
    Problem.PARENTS: ("your parents", "my mother", "my father", "my mum", "my dad"),
    Problem.BULLYING: ("what they do at school", "bully", "bullied", "classmates"),
    Problem.OTHER: ("all this",),
}
"""The first of each is how a supporter names the topic; the rest is how a seeker gives it away."""

HELP_HINTS: dict[Strategy, tuple[str, ...]] = {
    Strategy.QUESTION: (
        "Nobody ever asks how it came to this.",
        "People talk at me and never want to know more.",
        "I wish somebody would ask before they judge.",
    ),
    Strategy.RESTATEMENT: (
        "I keep losing my own thread.",
        "Half of what I say does not even make sense to me.",
        "I have told it so often, and nobody got it right.",
    ),
    Strategy.REFLECTION: (
        "I cannot even put a name to it.",
        "Nobody sees what it does to me inside.",
        "They look at what happened, never at how it sits in me.",
    ),
    Strategy.SELF_DISCLOSURE: (
        "It seems I am alone in this.",
        "I wonder if anybody else has ever been here.",
        "Everyone else seems to manage.",
    ),
    Strategy.AFFIRMATION: (
        "I begin to think I am no good.",
        "Maybe I have done everything wrong.",
        "I doubt myself at every turn.",
    ),
    Strategy.SUGGESTIONS: (
        "I only need to know where to begin.",
        "I am ready to do something, I just do not see what.",
        "I want to get moving, not go round in circles.",
    ),
    Strategy.INFORMATION: (
        "I do not understand why this happens at all.",
        "I read one thing here and the opposite there.",
        "I would like to know whether this is normal.",
    ),
    Strategy.OTHERS: (
        "I do not need much, only not to sit alone with it.",
        "It is good to talk to somebody at all.",
        "Some days ordinary chat is all I want.",
    ),
}
"""What a seeker says when this kind of help would meet their need."""

HURT_HINTS: dict[Strategy, tuple[str, ...]] = {
    Strategy.QUESTION: (
        "I have had enough of being grilled.",
        "Everybody wants details, and then they leave.",
        "Please do not make me go through it point by point.",
    ),
    Strategy.RESTATEMENT: (
        "I heard myself the first time.",
        "My last helper only parroted me.",
        "Saying it again does not change it.",
    ),
    Strategy.REFLECTION: (
        "I would rather not dwell on all that inside stuff.",
        "Do not get soft on me.",
        "I am not one for heart-to-hearts.",
    ),
    Strategy.SELF_DISCLOSURE: (
        "When people start on their own lives, I am gone.",
        "My sister always makes it about herself.",
        "This is not a contest who has it worse.",
    ),
    Strategy.AFFIRMATION: (
        "Do not tell me it will all work out.",
        "Pats on the back make me want to scream.",
        "Everybody says I am so strong, and I am sick of it.",
    ),
    Strategy.SUGGESTIONS: (
        "Everyone has a recipe for me.",
        "If one more person tells me what I should do, I leave.",
        "I have tried all those clever ideas.",
    ),
    Strategy.INFORMATION: (
        "Please no lecture.",
        "I have read enough about it to write a book.",
        "Numbers do not help me at night.",
    ),
    Strategy.OTHERS: (
        "I did not come for small talk.",
        "Please do not change the subject.",
        "Jokes about it do not help.",
    ),
}
"""What a seeker says when this kind of help would hurt."""

TRAIT_HINTS: dict[tuple[str, str], tuple[str, ...]] = {
    ("openness", "high"): ("I always have ten ideas at once.", "I like trying odd things."),
    ("openness", "low"): ("I like things the way they have always been.", "New ways tire me."),
    ("conscientiousness", "high"): ("I keep lists for everything.", "I have never missed a date."),
    ("conscientiousness", "low"): ("I leave things until the last day.", "My desk is a mess."),
    ("extraversion", "high"): ("I am usually the loud one.", "I call everybody all the time."),
    ("extraversion", "low"): ("I spend most evenings by myself.", "Crowds wear me out."),
    ("agreeableness", "high"): ("I cannot say no to anybody.", "I do not want to trouble anyone."),
    ("agreeableness", "low"): ("I told them so to their faces.", "I do not back down."),
    ("neuroticism", "high"): ("I picture the worst every time.", "Small things knock me over."),
    ("neuroticism", "low"): ("I do not rattle easily.", "I usually sleep well whatever comes."),
}

STOCK_PHRASES = (
    "I'm sorry to hear that.",
    "I'm so sorry you are going through this.",
    "I understand how hard this must be.",
    "Thank you for sharing that with me.",
    "That must be difficult.",
)

GENERIC: dict[Strategy, tuple[str, ...]] = {
    Strategy.QUESTION: ("Can you tell me more about it?", "What happened then?"),
    Strategy.RESTATEMENT: (
        "So you are saying that things are hard right now.",
        "So what I hear is that it has been a lot.",
    ),
    Strategy.REFLECTION: ("You must feel awful.", "I can tell that you feel bad about it."),
    Strategy.SELF_DISCLOSURE: (
        "I have had hard times as well.",
        "I know that from my own life.",
    ),
    Strategy.AFFIRMATION: ("It will be okay.", "You are stronger than you think."),
    Strategy.SUGGESTIONS: (
        "You could try to get some rest and do something nice for yourself.",
        "Have you tried talking to a friend, or going for a walk?",
    ),
    Strategy.INFORMATION: (
        "Many people go through phases like this.",
        "Studies say that stress is common.",
    ),
    Strategy.OTHERS: ("I am here.", "Take care."),
}
"""What a draft says: it would fit anybody."""

FITTED: dict[Strategy, tuple[str, ...]] = {
    Strategy.QUESTION: (
        "What about {topic} weighs most on you today?",
        "How did it come to this with {topic}, as you see it?",
    ),
    Strategy.RESTATEMENT: (
        "In other words, it is {topic} that will not let you go.",
        "Let me see if I follow: it began with {topic}, and it has not stopped since.",
    ),
    Strategy.REFLECTION: (
        "You feel {feeling} about {topic}, and that goes deep.",
        "It is plain that you feel {feeling}, most of all when {topic} comes up.",
    ),
    Strategy.SELF_DISCLOSURE: (
        "I have been there with {topic} in my own life, and for a long time I told no one.",
        "When I went through something like it, I thought I was the only one.",
    ),
    Strategy.AFFIRMATION: (
        "That you still face {topic} every day takes courage.",
        "You have done more about {topic} than you give yourself credit for.",
    ),
    Strategy.SUGGESTIONS: (
        "One small step could be to pick a single thing about {topic} and do only that.",
        "You could write down what about {topic} is yours to change, and begin there.",
    ),
    Strategy.INFORMATION: (
        "It is common with {topic} that it comes in waves, and the waves usually get shorter.",
        "With {topic} it often takes the body some weeks to calm down; that is normal.",
    ),
    Strategy.OTHERS: (
        "There is no hurry; we can sit with {topic} for a while.",
        "I am in no rush, and you do not have to carry {topic} alone tonight.",
    ),
}
"""What a refined reply says: it names the feeling and the topic that the reflection found."""

NEED_SENTENCES: dict[Strategy, str] = {
    Strategy.QUESTION: "To be asked, and listened to",
    Strategy.RESTATEMENT: "To hear the story said back in other words",
    Strategy.REFLECTION: "To have the feeling seen and named",
    Strategy.SELF_DISCLOSURE: "To hear that others have been through the same thing",
    Strategy.AFFIRMATION: "To be encouraged and believed in",
    Strategy.SUGGESTIONS: "To get concrete steps",
    Strategy.INFORMATION: "To get facts about what is going on",
    Strategy.OTHERS: "To have company without hurry",
}
"""How the reflector words a need, or, as something to avoid, the same kind of help."""


def pick(seed: int, salt: int, options: tuple[str, ...]) -> str:
    """One of `options`, decided by seed and salt alone (a step of Knuth's MMIX generator)."""
    mixed = (seed ^ (salt * 0x9E3779B97F4A7C15)) * 6364136223846793005 + 1442695040888963407
    return options[(mixed >> 33 & 0x7FFFFFFF) % len(options)]


def chance(seed: int, salt: int, percent: int) -> bool:
    """True in `percent` of 100 seeds."""
    mixed = (seed ^ (salt * 0x9E3779B97F4A7C15)) * 6364136223846793005 + 1442695040888963407
    return (mixed >> 33 & 0x7FFFFFFF) % 100 < percent
