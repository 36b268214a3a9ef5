"""What the crisis screen searches for: patterns over normalised, lower-case sentences."""

from attunement.core.records import CrisisKind

_I_AM = r"\bi(?: ?am|'?m)\b"
_NOT_WANT = (
    r"(?:do not|don'?t|did not|didn'?t|no longer|never|dont) (?:really |even )?want(?:ed)? to"
)
_KIN = (
    r"(?:husband|wife|partner|boyfriend|girlfriend|bf|gf|fianc\w+|spouse|ex|dad|father|daddy|mom|mum"
    r"|mother|parents?|step ?\w+|uncle|aunt|cousin|brother|sister|son|grandfather|grandpa|boss|coach"
    r"|teacher|priest|pastor|roommate|landlord|caretaker|family|man|guy)"
)
_SOMEONE = (
    rf"(?:him|her|them|you all|someone|somebody|people|everyone|everybody|anyone"
    rf"|(?:my|the|that|this|our|his|her|those|these|other)(?: \w+){{0,2}}? ?(?:{_KIN}|baby|kids?"
    r"|child(?:ren)?|daughter|people|neighbou?r|students?|classmates?|cat|dog|wife|manager|coworkers?"
    r"|colleagues?|friends?|roommate|bitch|bastard|guys?|girls?|one))"
)
_WHO = rf"(?:he|she|they|my (?:\w+ ){{0,2}}?{_KIN})"

CRISIS: dict[CrisisKind, tuple[str, ...]] = {
    "suicide": (
        r"\bsuicid\w*", r"\bkms\b", r"\bunaliv\w+", r"\bsewer ?slide\b",
        r"\bkill(?:ing|ed)? ?my ?self\b", r"\b(?:to|gonna|just|i'?ll) off myself\b",
        r"\boffing myself\b", r"\bhang(?:ing)? myself\b",
        r"\bshoot(?:ing)? myself\b", r"\bdrown(?:ing)? myself\b(?! in (?:\w+ )?(?:booze|work|alcohol|drink|food|wine|books|music))", r"\bpoison(?:ing)? myself\b",
        r"\b(?:end|ending|ended|take|taking|took) my (?:own )?life\b",
        r"\bend(?:ing)? (?:it|this|things|everything) (?:all|tonight|now|forever|for good)",
        r"\bend everything\b", r"\bend(?:ing)? myself\b",
        r"\bwant(?:ed|s)? (?:it|this|everything)(?: all)? to (?:end|be over|stop forever)\b(?! up| well| with| on)",
        r"\b(?:want(?:ed)?|wanna|wish(?:ing)?|hope|ready|prefer|rather|like|going|try|tried)"
        r" (?:to |i could |i would |i )?(?:just )?die\b",
        r"\bwish(?:ed)? (?:that )?i (?:was|were|am|be) (?:dead|not alive|gone|never born)",
        r"\b(?:rather|better) (?:be |off )?dead\b", r"\bdeserve to die\b",
        r"\b(?:think(?:ing)?|thought|thoughts|dream\w*|fantasi\w*|idea) (?:a lot )?(?:about|of)"
        r" (?:my own )?(?:death|dying|being dead|not being (?:here|alive)|ending (?:it all|my life|myself|everything))\b",
        rf"\b{_NOT_WANT} (?:be here|be around)(?: any ?more| any longer| at all)?(?=$|[,;.!?]| and\b)",
        rf"\b{_NOT_WANT} (?:live|exist|wake up|be alive|go on living|keep living|continue living"
        r"|be on this|be in this world|see tomorrow)",
        r"\bno(?:t)? (?:want|wish)(?: to)? live\b", r"\bwish(?:ed)? i (?:did ?n'?t|did not) exist",
        r"\b(?:can ?not|can'?t|cant) (?:go on|keep) (?:living|any ?more|any longer|existing)",
        r"\b(?:no|any|see the|what(?:'s| is) the) (?:reason|point|purpose|sense)"
        r" (?:left )?(?:to|in|for|of) (?:live|living|life|go on|going on|being alive|exist|me being)",
        r"\bnothing (?:left |more )?to live for\b", r"\blife (?:is|feels) not worth\b",
        r"(?:\bis|\bnot|n'?t|\blife) worth living\b", r"\bstop (?:living|existing|being alive)\b",
        r"\b(?:tired|sick|done) (?:of|with|from) (?:living|life|being alive|existing)\b",
        r"\bbetter off (?:without me|if i)\b", r"\bbetter without me\b",
        r"\b(?:no ?one|nobody) (?:would|will|'d) (?:even )?(?:miss me|notice|care) ?(?:if i)?\b",
        r"\b(?:would|wish\w*|hope|if|could|will|just|may|might)\b.{0,15}(?:\bnot|\bnever|n'?t) (?:ever )?(?:to )?wake up\b",
        r"\bnever waking up\b", r"\b(?:sleep|asleep) (?:forever|for ever|and never|and not)\b",
        r"\b(?:disappear|vanish|be gone) (?:forever|for good|from this|from the (?:world|earth))",
        r"\b(?:never been|was never|had not been|hadn't been|was not|wasn't) born\b",
        r"\bgoodbye (?:letter|note|message|video)s?\b", r"\bsa(?:id|ying) (?:my )?(?:final |last )?goodbyes\b",
        r"\b(?:pills|tablets|rope|noose|gun)\b.{0,40}\b(?:ready|enough|tonight|drawer|next to me|end)\b",
        r"\b(?:count|stash|sav|stor|collect|hoard)(?:ed|ing|e) (?:up )?(?:my |the |all )?(?:\w+ )?(?:pills|tablets|meds|medication)",
        r"\b(?:swallow|take|taking|took|taken) (?:all|too many|a bunch of|the whole|every one of)"
        r" ?(?:of )?(?:the |my |these )?(?:bottle|pills|tablets|meds|sleeping)",
        r"\boverdos\w+", r"\bjump(?:ing|ed)? (?:off|from|in front of|out of the window|out the window)",
        r"\b(?:step|walk|throw(?:ing)? myself|lie|lay|run)\w* (?:in front of|into|under) (?:a |the )?(?:\w+ )?(?:traffic|train|tram|bus|truck|lorry|car|tracks|sea|ocean|river|lake|water)",
        r"\b(?:slit|slitting|cut|cutting) my (?:wrists?|throat|veins?)\b",
        r"\b(?:driv|crash|steer|swerv|turn)\w* (?:\w+ ){0,4}(?:off (?:the|a) (?:road|bridge|cliff)|into (?:a|the) (?:tree|wall|river|oncoming))",
        r"\b(?:leave|leaving|quit|exit) (?:this (?:world|earth|life)|the world)\b",
        r"\b(?:give|giving|given) up on (?:life|living)\b", r"\bdone living\b",
        r"\b(?:want|wanna|wish|going|ready)(?: i could| to)? (?:follow|join) (?:him|her|them|my (?:brother|sister|mom|mum|mother|dad|father|son|daughter|wife|husband|friend))"
        r"(?=$|[,;.!?]| in heaven| there| up| in death| to the grave| into)",
        r"\b(?:be|being) with (?:him|her|them) again in\b", r"\bmy last (?:night|day) (?:alive|here|on)\b",
        rf"{_I_AM} (?:going to|gonna|about to|planning to) do it tonight\b",
        # means of dying beside a thought of using them; talk of being gone
        r"\b(?:think|thought|imagin|keep|look|star(?:e|ing)|wonder|count|plan|pictur|decid|ready|tempt|urge"
        r"|want|enough|easy|quick|how (?:many|high|long|much|fast|painful)|hold|held)\w*\b.{0,60}"
        r"\b(?:pills|tablets|noose|ledge|roof ?top|train tracks|tracks|gun|pistol|razor|cliff|overpass|bleach|oncoming|veins)\b",
        r"\b(?:bridge|ledge|roof|balcony|cliff|platform|tracks|overpass)\b.{0,50}\b(?:jump|step off|let go|fall|over with|down there|be over)\b",
        r"\b(?:when|once|after|if) i(?:'m| am| was| were|'d be)? (?:gone|dead|not (?:here|around|alive)|no longer (?:here|around|alive))\b",
        r"\bif i (?:died|disappeared|vanished|were no more|just died)\b",
        r"\bwithout me (?:in it|around|here|they)\b",
        r"\b(?:will not|won'?t|not going to|not gonna) be (?:here|around|alive) (?:much longer|for (?:my|the|christmas|long)|next|tomorrow|any ?more|by|when|to see)",
        r"\b(?:won'?t|will not|not) (?:have to )?(?:worry|bother|deal) (?:about|with) me (?:any ?more|much longer|soon)",
        r"\b(?:giving|gave|give) away (?:all )?(?:my|his|her) (?:things|stuff|belongings|pets?|clothes|possessions)\b",
        r"\b(?:affairs|things) in order\b",
        r"\bmy (?:own )?funeral\b",
        r"\b(?:heart|breathing) (?:would |to |will |could )?(?:just )?(?:stop|stopped)\b(?! racing| pounding)",
        r"\bstop breathing\b",
        r"\b(?:hope|hoping|wish|wishing|would ?n'?t mind|pray\w*)\b.{0,30}\b(?:car|truck|bus|lorry|train|cancer|accident|illness|lightning|plane)\b.{0,30}\b(?:me|crash\w*|happen\w*)\b",
        r"(?:\bnot|n'?t|\bnever) (?:make|making|see|seeing|reach) (?:it )?(?:to |past |until )?(?:next|the end of the|my next|another|tomorrow|the) (?:week|month|year|birthday|christmas|morning|spring|summer|winter|sunrise|day)\b",
        r"\b(?:only|easiest|easy|permanent|quickest|other) (?:way out|escape|solution|exit)\b.{0,40}\b(?:death|dying|dead|me|left|see|everything)\b",
        r"\bput(?:ting)? an end to (?:it all|my|myself|everything|this life)\b",
        r"\b(?:picked|chosen|set|have|made) (?:a|the|my) (?:day|date|plan|place|spot|time|method) (?:to do it|for it|already|and (?:a|the))",
        r"\bpumped my stomach\b",
        r"\bmy (?:last|first|second|previous|failed) attempt\b",
        r"\b(?:tried|trying|try) (?:it|that)? ?(?:once |twice )?(?:before|again|last (?:year|time))\b.{0,40}\b(?:hospital|pills|icu|survived|woke)\b",
        r"\b(?:should|wish) i (?:had )?(?:not|n'?t|never) (?:have )?(?:survived|been saved)\b",
        r"\b(?:wish|regret)\w* .{0,20}\bsurvived\b",
        r"\bvoices?\b.{0,30}\b(?:tell|say|want|order)\w* me to\b",
        r"\bnot (?:be|being) (?:alive|on this)\b",
        r"\b(?:cease|ceasing) to (?:exist|be)\b",
        r"\b(?:exist|existing|be here|be alive|live) any ?more\b",
        r"\b(?:world|earth|family|kids|everyone|everybody|they) (?:would |will |'d )?(?:be |is |are )?(?:\w+ )?(?:fine|happier|lighter|easier|relieved|better)(?: \w+)? (?:without me|if i)",
        r"\b(?:peace|quiet|rest|relief) (?:at last |finally )?(?:in|of|when i'?m|would be) (?:death|dead|dying|the grave)\b",
    ),
    "self-harm": (
        r"\bself ?-?harm\w*", r"\bself ?-?injur\w*", r"\bself ?-?mutilat\w*",
        r"\b(?:hurt|harm|cut|cutt|burn|punish|scratch|injur|starv|stab|carv)(?:s|t|e|ed|ing)? ?my ?self\b",
        r"\b(?:(?:started|start|been|back to|again with|relapsed into|stop|stopped|thinking (?:of|about)) cutting|(?:urge|need) to cut)\b(?! (?:back|down|out|off|ties|contact|class|my hair|the|a |sugar|carbs|corners))",
        r"\bcutting again\b",
        r"\bi(?:'ve)? (?:\w+ )?cut again\b",
        r"\b(?:cut|cuts|cutting|slice|slicing|burn|burns|burning|burned|burnt|scratch|scratching|carve|carving|dig|digging)"
        r" (?:\w+ )?(?:on |into |in )?my (?:own )?(?:arms?|legs?|thighs?|wrists?|skin|stomach|hips?|belly)\b",
        r"\b(?:razor|blade|lighter|knife|needle)s?\b.{0,30}\b(?:my|own) (?:skin|arms?|legs?|thighs?|wrists?)\b",
        r"\bmake(?:s)? myself bleed\b", r"\b(?:only )?(?:pain|blood|bleeding|cutting) (?:is the only|makes me feel|calms)",
        r"\b(?:scars|cuts|burns) (?:up|on|all over) my (?:arms?|legs?|thighs?|wrists?)\b",
        r"\b(?:hide|hid|hiding|cover\w*)\b.{0,30}\b(?:marks|scars|cuts|burns|wounds|arms|wrists|thighs|bandage\w*)\b",
        r"\b(?:long sleeves|hoodie|bracelets)\b.{0,40}\b(?:marks|scars|cuts|see|hide|cover|summer|notice)\b",
        r"\b(?:fresh|new|more) (?:cuts|marks|scars|burns|wounds)\b",
        r"\buntil (?:it|i|my \w+) (?:bleeds?|bled|start\w* (?:to bleed|bleeding)|bruises?)\b",
        r"\b(?:punch|slap|hit|pinch|bite)(?:ing|ed|es)? (?:myself|my own \w+|my (?:legs?|arms?|thighs?|face|head|stomach))\b",
        r"\b(?:watch|see|seeing|watching)\w* (?:the |my |myself )?(?:own )?(?:blood|bleed)\w*",
        r"\b(?:pain|hurt|blood|blade|cut|cutting|burning)\b.{0,40}\b(?:calms?|relie(?:f|ves?)|feel (?:something|real|alive|better)|numb\w*|release)\b",
        r"\b(?:press|hold|put|run|drag)\w* (?:\w+ ){0,4}(?:cigarettes?|lighter|flame|iron|razor|blade|scissors|glass|needle)s?\b.{0,40}\b(?:my|me|skin)\b",
        r"\bi (?:hurt|harm|cut|burn) (?:me|my body)\b",
        r"\bsince i last (?:cut|hurt|did it to)\b",
        r"\b(?:razor|blade)s?\b.{0,40}\b(?:again|drawer|bathroom|back|under|hidden|keep)\b",
    ),
    "harm to others": (
        r"\b(?:want(?:ed)?|wanna|going|gonna|plan\w*|ready|about|urge|tempted|try|tried|need|like|love)"
        r" to (?:just |really |actually )?(?:kill|hurt|stab|shoot|strangle|choke|murder|poison|harm"
        rf"|attack|beat up|beat|punch|smash|burn) {_SOMEONE}",
        r"\b(?:think\w*|thought\w*|fantasi\w*|dream\w*|feel like|felt like|imagin\w*|close to|capable of)"
        r" ?(?:about|of|on)? (?:kill|hurt|stabb|shoot|strangl|chok|murder|poison|harm|attack|beat)ing"
        rf" {_SOMEONE}",
        r"\b(?:scared|afraid|fear|worried|terrified|might|could|may|will|i'?ll|i'd|would)"
        r" (?:that )?(?:i )?(?:might |may |could |will |'?ll |am going to |'m going to |would )?(?:just |really |actually )?"
        rf"(?:kill|stab|shoot|strangle|murder|poison|hurt|harm|shake|hit|smother) {_SOMEONE}",
        r"\bi(?:'ll| will|'m gonna|'m going to| am going to) (?:kill|hurt|stab|shoot|murder) \w+",
        r"\b(?:bring|brought|take|have|got|bought) (?:a |my |the )(?:\w+'s )?(?:gun|knife|weapon)\b",
        r"\bshoot(?:ing)? (?:up|everyone|them all|him|her)\b", r"\bburn (?:\w+ )?(?:house|place|office|school) down\b",
        r"\b(?:make|making) (?:him|her|them|everyone|all of them) (?:suffer|bleed|pay with)\b",
        r"\bhomicid\w*", r"\bset (?:fire to (?:his|her|their|the)|\w+ (?:house|car|office) on fire)\b",
        r"\b(?:want|deserves?|wish)(?: \w+){0,3} dead\b(?<!wish i was dead)",
        r"\b(?:knife|gun|bat|hammer|petrol|gasoline|axe|pistol|rifle|machete)\b.{0,60}\b(?:him|her|them|his|their|he|she|they|boss|school|work|neighbou?r)\b",
        r"\b(?:push|throw|shov)\w* (?:him|her|them|my \w+) (?:down|off|in front|under|out|into)\b",
        r"\brun(?:ning)? (?:him|her|them) (?:over|down)\b",
        r"\bhands? (?:around|on|round) (?:his|her|their) (?:neck|throat)\b",
        r"\b(?:snap|lose control|lose it|explode)\b.{0,40}\b(?:hurt|kill|hit|stab|strangle|shoot)\b",
        r"\bi(?:'ve| have)? (?:\w+ )?(?:hit|slapped|punched|choked|beat|shook|shake|kicked|hurt) (?:my (?:wife|girlfriend|partner|son|daughter|kids?|child\w*|baby|mother|mom|dog|husband|boyfriend)|the (?:baby|kids?|child\w*)|him again|her again)\b",
        r"\b(?:pictur|imagin|see|dream)\w* (?:of |about )?(?:him|her|them|my \w+) (?:bleeding|dead|dying|suffer\w*|begging|on the floor|in a coffin)\b",
        r"\b(?:put|slip|mix) (?:something|poison|it|pills) in(?:to)? (?:his|her|their|the)\b",
        r"\b(?:he|she|they) deserves? to (?:die|suffer|bleed|burn|hurt)\b",
        r"\b(?:make sure|so that) (?:he|she|they|nobody|no one) (?:never|won'?t|will not|can'?t) (?:\w+ )?(?:walk|wake|breathe|get up|leave alive|hurt|see|get out)",
        r"\b(?:not|won'?t|never) (?:leave|walk out|get out) (?:\w+ )?alive\b",
        r"\bwait(?:ing)? for (?:him|her|them) (?:outside|after|with|in the dark)\b",
        r"\b(?:list of (?:people|names)|a list of)\b.{0,30}\b(?:hurt|kill|pay|hate)\b",
        r"\b(?:they|he|she|everyone)(?:'ll| will) (?:all )?(?:pay for|regret (?:this|it)|be sorry)\b",
        r"\b(?:hurt|harm|kill|stab|attack)(?:ing)? (?:other people|others|a stranger|strangers|animals|an animal|somebody else|someone else)\b(?!'s| feelings)",
        r"\b(?:urge|urges|impulse|thoughts?) (?:to|of|about) (?:hurt|harm|kill|stab|attack|chok|strangl)\w*",
    ),
    "abuse": (
        rf"\b{_WHO}(?:'\w+)?(?: \w+){{0,4}}? (?:hits?|hitting|beats?|beating|slap(?:s|ped|ping)?|punch(?:es|ed|ing)?"
        r"|kick(?:s|ed|ing)?|chok(?:es|ed|ing)|strangl\w+|rap(?:es|ed|ing)|molest\w*|assault\w*|whip\w*"
        r"|grop\w+|burn(?:s|ed|t)?|shov(?:es|ed|ing)|drags?|dragged|pins?|pinned)"
        r" (?:me|us|my (?:kids?|child(?:ren)?|son|daughter|baby|little|mom|mum|mother|brother|sister))\b"
        r"(?! (?:out|off|up on|at (?!home|night)|into (?!the|my|our|a)|in (?:the )?(?:race|game|chess)|to (?:the|it)))",
        rf"\b{_WHO}(?:'\w+)?(?: \w+){{0,4}}? (?:abus(?:es|ed|ing|ive)|violent|threaten\w*(?! (?:my job|to (?:fire|quit|leave|sue|resign|divorce)))|lock(?:s|ed) me|force[sd] (?:me|himself|herself)"
        r"|touch(?:es|ed|ing) (?:me|my (?:daughter|son|kid|sister|brother))|lays? (?:a |his |her )?hands? on me"
        r"|threw (?:me (?:against|down|on|to|into|at|across)|a |the )|throws (?:me|things at)|put (?:his|her) hands (?:on|around)|hurts me (?:when|if|every|physically|at night|again)"
        r"|rais(?:es|ed) (?:his|her) (?:hand|fist)|won'?t let me (?:leave|out|go out)|comes? (?:in)?to my (?:room|bed))",
        r"\b(?:was|were|been|being|getting|get|got|am|is|are|i'm|be) (?:\w+ )?(?:raped|molested|abused|beaten(?! (?:at|in|by \d|\d))|assaulted|groped|trafficked|strangled|choked|violated)\b",
        r"\bsexual(?:ly)? (?:abuse|assault|touch)\w*", r"\babusive\b", r"\bdomestic (?:violence|abuse)\b",
        r"\b(?:physical|emotional|verbal|child) abuse\b", r"\babuse[sd]? (?:me|my|us|him|her|by)\b",
        r"\b(?:scared|afraid|terrified|frightened)(?: \w+){0,3} (?:he|she|they|my \w+)(?:'\w+)?(?: \w+){0,4}? (?:kill|hurt|hit|beat) (?:me|us|him|her|them|my)\b",
        r"\b(?:scared|afraid|terrified) (?:to go home|of (?:going home|my (?:husband|wife|partner|boyfriend|girlfriend|dad|father|step\w+|mother|uncle|ex)))",
        r"\b(?:said|says|told me|swore|promised|threatens?|threatened)(?: \w+){0,4} (?:kill|hurt|shoot|stab|beat) (?:me|us|my)\b",
        r"\bbruise[sd]?\b.{0,40}\b(?:he|she|him|her|my \w+)\b.{0,20}\b(?:hit|grab|push|did|gave|from)",
        r"\b(?:beats?|hits?|hitting|beating|slaps?|molest\w*) (?:me|us|the (?:kids|children|baby)|my (?:son|daughter|kids|mother|mom|mum|sister|brother)) (?:when (?:he|she|they|drunk|angry)|every (?:day|night|time|week)|if i|again|because i|at night)\b",
        r"\b(?:grab|push|pull|twist|thr(?:e|o)w|spit|bit|bite|drag|slam|pin|yank|shov)\w* (?:me|us) (?:by|against|down|around|into the|on the|to the|onto|across|so hard)",
        r"\b(?:grab|twist|pull|yank|squeez)\w* (?:me by )?my (?:arms?|hair|neck|wrists?|throat|face)\b", r"\bblack eye\b",
        rf"\b(?:{_WHO}) (?:broke|breaks|fractured|cracked) my (?:arm|nose|jaw|ribs?|finger|wrist|tooth|teeth)\b",
        r"\b(?:flinch|hide|freeze|shake|lock myself)\w*\b.{0,30}\b(?:when|because|whenever) (?:he|she|they|my \w+) (?:comes?|gets?|raises?|walks?|is|drinks?|yells?|shouts?)\b",
        r"\b(?:he|she|they|him|her) (?:makes?|made|making|forces?) (?:me|her|him) (?:have sex|touch|undress|watch|sleep with|do things|strip|kneel|sleep (?:outside|on the floor))",
        r"\b(?:did ?n'?t|does ?n'?t|would ?n'?t|won'?t|never) stop(?:s|ped)? when i (?:say|said|beg|cry|tell)", r"\bsaid no (?:but|and) (?:he|she|they)\b",
        r"\b(?:he|she|they|husband|wife|boyfriend|girlfriend|partner|father|mother)(?: \w+)? (?:takes?|took|keeps?|hides?|controls?|checks?) (?:all )?(?:away )?my (?:phone|money|passport|pay|wages|salary|id|keys|documents|bank card)\b",
        r"\b(?:won'?t|does ?n'?t|do ?n'?t|not|never) (?:let|lets|allow(?:s|ed)?) me (?:to )?(?:see|leave|talk to|work|go out|have (?:money|friends|a phone)|out|eat|use (?:the|my) phone|sleep)\b",
        r"\block(?:s|ed|ing)? (?:me|us|my \w+) (?:in|up|out)\b", r"\bwith (?:a|his|her|the) (?:belt|cane|stick|cable|fists?|slipper|wire|hanger)\b",
        r"\bif i (?:leave|tell|talk|scream|report|try to leave|say no|call)(?: \w+){0,4},? (?:he|she|they)(?:'ll| will| would|'d| said| says| is going)",
        r"\b(?:he|she|they)(?:'ll| will| would|'d| is going to) (?:kill|hurt|find|come after|hunt|beat) (?:me|us|my)\b(?! if i'?m| a| another)",
        r"\b(?:hits?|hitting|beats?|beating|ties|tied|starves?|slaps?|burns?|shakes?|hurts?|hurting|abuses?|touches|touching) (?:my|the|our) (?:mother|mum|mom|grandmother|grandma|little \w+|sister|brother|daughter|son|kids?|children|baby|disabled \w+)\b",
        r"\bprivate (?:parts|areas?)\b", r"\bour (?:little )?secret\b", r"\bmarks? (?:he|she|they|his|her) (?:left|leave|made|gave|hands|belt)",
        r"\b(?:scared|afraid|fear|frightened|terrified) (?:of|for) (?:him|her|my (?:life|safety)|what (?:he|she|they)(?:'ll| will| might| would| could))",
        r"(?:\bnot|\bnever|n'?t) (?:feel )?safe (?:at home|with (?:him|her|my)|in my (?:own )?(?:home|house))\b",
        r"\bforced (?:marriage|to marry|me to marry)\b", r"\b(?:marry|sell) me (?:off|to)\b",
    ),
}  # fmt: skip

HARMLESS: tuple[str, ...] = (
    # figures of speech
    r"\b(?:\w+ ){0,3}(?:is|are|was|'s|been) (?:\w+ )?killing me\b",
    r"\bkill(?:ing|ed)? (?:two birds|time|it\b|the (?:mood|vibe|lights|engine|process))",
    r"\b(?:could|would|i'd) (?:just |really |almost )?(?:kill|murder) (?:for|a\b)(?: \w+){0,3}",
    r"\b(?:could|would|will|i'll)(?: just)? kill \w+(?: \w+)? for (?:a|eating|leaving|being|the|not)\b",
    r"(?<!scared )(?<!afraid )(?<!afraid that )(?<!scared that )(?<!terrified )"
    rf"\b{_WHO}(?:'ll| will| would|'d| is going to| are going to| is gonna| are gonna| gonna) kill me\b",
    r"\b(?:going to|gonna|want to|wanted to|could|almost|nearly|just|i) (?:die|died|dying)"
    r" (?:of|from|laughing|when (?:i|he|she|they))(?: \w+)?",
    r"\bdie (?:of|from) (?:embarrassment|boredom|shame|laughter|laughing|hunger|curiosity|heat|happiness)",
    r"\bto die for\b", r"\bdying (?:to|for a|of (?:laughter|boredom|curiosity|heat|hunger))\b",
    r"\bsuicid(?:e|al) (?:squad|prevention|hotline|help ?line|doors?|awareness)\b", r"\bcareer suicide\b",
    r"\b(?:social|political|professional|financial) suicide\b",
    r"\bshoot(?:ing)? (?:me (?:an?|your)|(?:him|her|them) an? (?:\w+ )?(?:mail|email|message|text)"
    r"|myself in the foot|for the (?:stars|moon)|hoops)",
    r"\bjump(?:ed|ing|s)? (?:from (?:one|job|topic|thing|task)|off (?:the (?:couch|sofa|bed|phone|call|bandwagon|deep end)|a call)|from \w+ to \w+)",
    r"\b(?:hit|hits|hitting) me (?:up|that|like|hard|then|how|with the bill|today|one day)\b",
    r"\b(?:overdos\w+) (?:on|of) (?:caffeine|coffee|chocolate|sugar|tv|netflix|ice cream|news|carbs|series)",
    # accidents and everyday acts
    r"\b(?:accidentally|by accident) (?:\w+ )?(?:cut|burn\w*|hurt|hit|scratch\w*) (?:myself|my \w+)",
    r"\b(?:cut|burn(?:ed|t)?|hurt|scratched) (?:myself|my (?:arm|leg|hand|wrist|finger))"
    r" (?:\w+ )?(?:while|shaving|cooking|chopping|slicing|on (?:the|a)|at the gym|at work|playing|running|in the (?:kitchen|garden|game)|by accident|accidentally|with the oven|ironing)",
    r"\bcut(?:ting)? (?:my(?:self)? (?:hair|nails|lawn|losses|some slack|off|hours|budget|grass)|myself (?:some slack|off|a (?:slice|piece|break)))",
    r"\bburn(?:ed|t|ing)? myself out\b", r"\bwithout (?:hurting|cutting|injuring|burning) myself\b",
    r"\bbeat(?:s|ing)? (?:myself up|my (?:record|score|time))",
    r"\b(?:beat|beats|beating|beaten|kick\w*) (?:me|us) (?:at|in|to|out|off|by)\b(?! (?:home|night))",
    r"\bbeaten by (?:a |the )?(?:\w+ )?(?:team|player|side|opponent)s?\b",
    # ordinary words of people who do not want to wound
    r"\b(?:do not|don'?t|did not|didn'?t|never|not|would ?n'?t|without) (?:really |ever )?(?:want(?:ed|ing)?|mean(?:t|ing)?|try(?:ing)?|going|wish|intend(?:ed)?|like|afraid)"
    r" to (?:\w+ )?(?:hurt|harm|upset|hit|kill) (?!myself)\w+",
    r"\bhurt(?:ing)? (?:\w+|\w+ \w+)(?:'s)? feelings\b",
    r"\bhurt(?:ing)? (?:him|her|them|my \w+|someone|people) (?:by|with (?:the|my|what)|if i (?:leave|say|tell|break)|when i (?:leave|say|tell|break))",
    r"\bhurt(?:ing)? my (?:chances|career|grades?|back|knee|ankle|gpa|score|credit|business|wallet|eyes|head|foot)\b",
    # plain denials; what stands beside them is still read
    r"\bnot (?:feeling )?suicidal\b", r"\b(?:no|not having|don'?t have|never had) (?:\w+ )?(?:suicidal|suicide) \w+",
    r"\b(?:would|will|'d|wouldn'?t|could) never (?:\w+ )?(?:hurt|harm|kill|cut) (?:myself|anyone|anybody|him|her|them|my \w+)\b",
    r"(?:\bnot|n'?t) (?:going to|gonna|want to|thinking (?:of|about)|planning to) (?:\w+ )?(?:kill(?:ing)?|hurt(?:ing)?|harm(?:ing)?|cut(?:ting)?) (?:myself|anyone|anybody)",
    r"\b(?:do not|don'?t|dont|not|never) (?:really )?want(?:ed)? to die\b(?! but)",
    r"\b(?:afraid|scared|fear) (?:of|to) (?:die|dying|death)\b",
    # wishes about places and ways, not about life
    rf"\b{_NOT_WANT} (?:be here|be around) (?:at|in|for|with|when|while|on|until|him|her|them|people|my)\b",
    rf"\b{_NOT_WANT} (?:live|exist) (?:here|there|with|in|at|near|alone|on my own|by|apart|together|off|under (?:one|the same)|so far)",
    rf"\b{_NOT_WANT} wake up (?:early|at|before|the|my|him|her|so|in the|for|to (?:go|work|an?|the))",
    # grief
    r"\b(?:my|his|her|their|our|a|whose)(?: \w+){1,4}? (?:died by|died from|died of|committed|was lost to) suicide\b",
    r"\b(?:lost|losing) (?:my|a|his|her|our)(?: \w+){1,3}? to suicide\b",
    r"\b(?:my|his|her|their|our)(?: \w+){1,4}? (?:killed|hanged|shot) (?:himself|herself|themselves)\b",
)  # fmt: skip

STEMS = (
    r"suicid|kms|unaliv|sewer|kill|off myself|offing|hang|shoot|drown|poison|end|die\b|dead|death"
    r"|dying|born|live|living|life|exist|alive|be here|be around|wak|worth|better|miss me|notice"
    r"|care if|nobody|no ?one|asleep|sleep|disappear|vanish|gone|goodbye|pills|tablets|rope|noose"
    r"|gun|meds|medication|overdos|jump|step|throw|walk|lie|lay|run|slit|cut|driv|crash|steer|swerv"
    r"|turn|leav|quit|exit|give|giv|done|follow|join|with (?:him|her|them) again|last|do it|harm"
    r"|injur|hurt|burn|punish|scratch|starv|stab|carv|bit|slic|dig|razor|blade|lighter|knife|needle"
    r"|bleed|blood|scars|strangl|chok|murder|attack|beat|punch|smash|shak|smother|hit|weapon|homicid"
    r"|fire|suffer|slap|kick|rap|molest|assault|whip|grop|shov|drag|pin|abus|violen|threat|lock"
    r"|forc|touch|hand|threw|fist|let me|my (?:room|bed)|traffick|violat|sexual|scared|afraid"
    r"|terrified|frightened|bruis|push|belt|secret|private|safe|marr|black eye|broke|money|passport|list|pay|regret|sorry"
    r"|funeral|breath|heart|hope|wish|date|plan|attempt|surviv|voice|hid|sleeve|marks|cuts|scar|pain|snap|control|wait|urge|impulse|grab|pull|twist|slam|freez|allow|phone|keys|keep|tell|peace|rest|bridge|roof|balcony|platform|tracks|ledge|make|forces|everything|this all|it all|reason|point|self"
)
"""A sentence without any of these stems cannot match; most sentences end here."""
