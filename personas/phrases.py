"""Plain sentences that fill a card where its source says nothing: needs and situations.

Every need is read back by `core.needs.kind_of_help` as the strategy that it stands under. The
situations name no emotion and fit any employment, because both come from elsewhere.
"""

from attunement.core.records import Problem
from attunement.core.strategies import Strategy

HELPS: dict[Strategy, tuple[str, ...]] = {
    Strategy.QUESTION: (
        "Being asked about it before anyone draws conclusions",
        "Questions that let me sort out what is going on",
        "Someone who is curious about the whole picture",
        "Real interest in the details that I would otherwise skip",
        "When someone asks what it is like for me",
    ),
    Strategy.RESTATEMENT: (
        "Hearing my story summed up so that I know it arrived",
        "When someone says it back in their own words",
        "A short summary of what I said, to check that it is right",
        "Someone who can put my muddle into words",
        "Having the main point repeated to me in fewer words",
    ),
    Strategy.REFLECTION: (
        "When someone names what I feel",
        "Having my feelings noticed before anything else",
        "Someone who stays with the emotion instead of moving past it",
        "Hearing that what I felt makes sense",
        "When my mood is noticed without my having to say it",
    ),
    Strategy.SELF_DISCLOSURE: (
        "Hearing from someone who has been through it too",
        "A similar story from someone who came out the other side",
        "Knowing that I am not the only one",
        "When someone shares their own experience and then comes back to mine",
        "Someone who had the same thing happen to them",
    ),
    Strategy.AFFIRMATION: (
        "Being reassured that I am not failing",
        "Hearing which strengths someone sees in me",
        "Encouragement when I doubt myself",
        "Someone who believes that I can get through this",
        "Being told that I am doing enough",
    ),
    Strategy.SUGGESTIONS: (
        "Practical ideas that I can try this week",
        "One concrete thing to begin with",
        "Small steps instead of a grand answer",
        "Clear advice once I have told my story",
        "Working out a plan together",
    ),
    Strategy.INFORMATION: (
        "Facts about what I am dealing with",
        "An explanation of why this happens to people",
        "Solid information instead of opinions",
        "Pointers to resources that others have used",
        "Knowledge that makes the whole thing less of a mystery",
    ),
    Strategy.OTHERS: (
        "Company without any pressure to talk",
        "Someone who lets a silence be",
        "Going at my own pace",
        "A bit of humour in between",
        "Patience while I look for words",
    ),
}

HURTS: dict[Strategy, tuple[str, ...]] = {
    Strategy.QUESTION: (
        "One question after another",
        "Being interrogated",
        "Being asked for details that I have not offered",
        "Curiosity about the private parts",
        "When someone only ever asks and gives nothing",
    ),
    Strategy.RESTATEMENT: (
        "Hearing my own words parroted at me",
        "Someone who just repeats what I said",
        "Having my story summed up as if it were simple",
        "When I get an echo instead of an answer",
        "Being paraphrased like a case",
    ),
    Strategy.REFLECTION: (
        "Being told what I feel",
        "Talk about feelings when I need to think",
        "Having my emotions analysed",
        "When someone keeps circling round my mood",
        "Having someone dwell on how bad it felt",
    ),
    Strategy.SELF_DISCLOSURE: (
        "When people turn it into a talk about themselves",
        "Stories of someone else who has been through worse",
        "Having my trouble compared with a similar one",
        "Hearing that the same thing happened to everyone",
        "When they slip into telling me of their own life",
    ),
    Strategy.AFFIRMATION: (
        "Cheerfulness that skips over what happened",
        "Being told that everything happens for a reason",
        "Praise that I have not earned",
        "Empty reassurance",
        "Hearing that it will be fine",
    ),
    Strategy.SUGGESTIONS: (
        "Advice before I have finished",
        "Being handed a solution as if I had not thought of it",
        "A list of tips",
        "When someone tries to fix me",
        "Suggestions that I never asked for",
    ),
    Strategy.INFORMATION: (
        "Being lectured",
        "Statistics when I am talking about my life",
        "Facts thrown at me like a leaflet",
        "Explanations of my own situation to me",
        "Textbook knowledge in place of listening",
    ),
    Strategy.OTHERS: (
        "Being hurried along",
        "Jokes while I am being serious",
        "Small talk when I came with something heavy",
        "Long silences that leave me alone with it",
        "Being rushed to the end of my story",
    ),
}

SITUATIONS: dict[Problem, tuple[str, ...]] = {
    Problem.ONGOING_DEPRESSION: (
        "For months everything has been grey, and I hardly get through the day.",
        "It has been going on for so long that I can't remember when I last looked forward to"
        " something.",
        "I get up, I do the least I can, I go back to bed, and that is most of my life now.",
        "I have had these low spells for years, and this one does not lift.",
    ),
    Problem.JOB_CRISIS: (
        "Work has gone badly wrong for me, and I don't know what comes next.",
        "I don't know how I will earn my living from here, and every way I turn looks closed.",
        "One rejection after another: it seems nobody has a place for me.",
        "The working life I had counted on has fallen apart.",
    ),
    Problem.BREAKUP: (
        "My partner left me, and I still reach for my phone to tell them things.",
        "We broke up after a long time together, and I don't know who I am without them.",
        "I was told that it's over, out of nowhere, and I keep going over what I missed.",
        "The relationship I had built my life around has ended.",
    ),
    Problem.FRIENDS: (
        "My closest friend has stopped answering me, and I don't know why.",
        "I found out that my friends meet without me.",
        "I fell out with a friend over something small, and now nobody talks to me.",
        "I am always the one who writes first; if I stop, I hear nothing from my friends.",
    ),
    Problem.ACADEMIC_PRESSURE: (
        "My exams are close, and I am so far behind that I can't even begin.",
        "I failed a course that I need, and I haven't told anyone.",
        "Everybody in my course seems to manage, and I sit there not understanding a thing.",
        "I work on my studies day and night, and my marks still drop.",
    ),
    Problem.SLEEP: (
        "I lie awake until four most nights, and the days have become a blur.",
        "I haven't slept properly for weeks, and nothing that I try changes it.",
        "I wake at three every night with my head going round.",
        "Night after night I dread going to bed, because I know that I won't sleep.",
    ),
    Problem.PROCRASTINATION: (
        "I keep putting off the one thing that matters, and now it is nearly too late.",
        "I have had weeks for this, and I have not even opened the folder.",
        "I clean the flat, I scroll, I do anything but what I should be doing.",
        "Every evening I swear to start tomorrow, and I never do.",
    ),
    Problem.ALCOHOL: (
        "I drink more than I admit, and last week somebody noticed.",
        "I promised to stop drinking, and I lasted four days.",
        "I need a few glasses to get through the evening, every evening now.",
        "I said things while I was drunk that I can't take back.",
    ),
    Problem.APPEARANCE: (
        "I can't pass a mirror without finding something wrong with me.",
        "I turned down an invitation again because of how I look.",
        "Somebody made a remark about my body, and I can't get it out of my head.",
        "I spend hours on hiding what I look like before I dare to go out.",
    ),
    Problem.CHILDREN: (
        "My child shuts me out, and every talk ends with a slammed door.",
        "The school rang about my child again, and I don't know what I am doing wrong.",
        "I shouted at my children today in a way I had sworn I never would.",
        "My grown child has broken off contact, and I don't know why.",
    ),
    Problem.CONFLICT_WITH_PARENTS: (
        "I had a bad fight with my parents, and we haven't spoken since.",
        "My parents won't accept the life I have chosen, and they say so at every meal.",
        "Whatever I do, my parents call it wrong, and last weekend it came to shouting.",
        "My parents want me to decide between them and somebody I love.",
    ),
    Problem.PARENTS: (
        "My parents lean on me for everything, and I have nothing left for myself.",
        "My mother's drinking has started again, and it falls to me to hold things together.",
        "My parents are splitting up, and each of them pulls me to their side.",
        "My father is ill and will not let anyone near him, me least of all.",
    ),
    Problem.BULLYING: (
        "There is a group at school that goes after me every day, and nobody steps in.",
        "Somebody in my class made a page about me, and everyone has seen it.",
        "I take the long way to school so that I don't run into them.",
        "They laugh when I speak in class, and the teacher looks away.",
    ),
    Problem.OTHER: (
        "A lot has come together lately, and it has become too much for me.",
        "Something happened that I haven't told anyone about yet.",
        "I don't quite know where to begin; things have not been right for a while.",
        "It is one of those times when everything goes wrong at once.",
    ),
}
