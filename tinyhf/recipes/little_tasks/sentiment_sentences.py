"""Recipe · Sentences about one fact: who knew it, whether it is true, what was asked or said.

Rules of the grammar that `sentiment` explains. It begins here, with "sentence". One sentence in
fourteen is a plain fact: where every word is as often good as bad, learning begins very late.
"""

from tinyhf.recipes.little_tasks.sentiment_facts import lines

SENTENCES = {
    "sentence": """
        <plain fact>.
        <fact>.
        <fact>.
        <wrapped>.
        <denied>.
        <time>.
        <contrast>.
        <reason>.
        <others>.
        <wish>.
        <answer>
        <speech>
        <exclamation>!
        """,
    "plain fact": """
        {one} was {felt}
        {one} {did}
        {it} was {praised}
        """,
    "wrapped": """
        [everyone|everybody|anyone|{other}] could [see|tell|hear] that <fact>
        {other} [said|knew|saw|noticed|heard|remembered|was sure|told everybody] that <fact>
        [nobody|no one] [doubted|could deny|denied|forgot] that <fact>
        [nobody knew|{other} did not know|nobody had expected] that <fact>
        it [turned out|was true|was clear|was a fact|is certain] that <fact>
        it was [no secret|no dream|no wonder|not a lie] that <fact>
        there was no doubt that <fact>
        the truth [is|was] that <fact>
        [in the end|that day|at last|one day|after all|of course|all day long|this morning], <fact>
        [after the game|when the bell rang|at the end of the day|to tell the truth], <fact>
        <fact> [that day|in the end|at last|all the time|after supper|on the way home]
        <fact>, [as everyone knew|said {other}|and everyone knew it|and {other} knew why|I think]
        <fact>, and [{shown}|nothing could change that|that was true]
        [everyone|{other}] could [see|tell] how {felt} {one} [was|felt|looked|had become]
        [nobody|{other}] [knew|had known] how [{felt} {one}|{praised} {it}] was
        {one} [wrote|told {other}|said] that {he} <predicate>
        [thanks to {other}|with {other} beside {him}|with a {thing}], {one} <predicate>
        [no matter what|whatever] {other} said, {one} <feels>
        <fact> in [a small town|the evening|the morning], with {other}
        <aside>, <fact>
        <aside>, <fact>
        <fact> <aside>
        <fact> <aside>
        <meanwhile>, [and|but|so] <fact>
        <fact>, [and|but|although|while] <meanwhile>
        [although|while|because|when] <meanwhile>, <fact>
        {one}, who <lives>, <predicate>
        {one} <lives>, and {he} <predicate>
        """,
    "aside": """
        in the [morning|evening|afternoon|night]
        [on a cold day|on Sunday|on Monday|on the first day of the year]
        [before|after] [breakfast|lunch|school|the party]
        [last|this|one] [week|year|time|winter|summer]
        [for once|as always|as usual|by now|in fact|in short|certainly|from head to toe]
        [not long ago|not far from here|not only on Sunday|no later than at noon|without a hat]
        [under a tree|at home|on the way to the {place}|{at}|in front of the house]
        with [{other}|a {thing}|the whole family|mother and father]
        """,
    "meanwhile": """
        [it rained|it did not rain|the sun came out|the snow fell|the wind blew]
        [the bell rang|the clock struck ten|it was late|it was not late|it was already dark]
        {other} [came in|did not come|was not there|never said a word]
        {other} [sat by the window|asked for a {thing}]
        [nobody knew why|nobody was at home|no one else was there]
        [there was no milk|nothing else happened]
        """,
    "lives": """
        [lives|lived] in a [small|big] [house|town]
        had [a|no] {thing}
        [came|went] to the {place} with {other}
        [never went to the {place}|did not know {other}|was not {other}'s friend]
        [was|was not] [seven|ten] years old
        """,
    "denied": """
        it [was|is] not true that <!fact>
        it [was|is] [wrong|a lie|a mistake] to say that <!fact>
        [nobody|no one] [could|would] say that <!fact>
        [I do not think|I don't believe|nobody would think|I doubt] that <!fact>
        {other} was wrong to [think|say|believe] that <!fact>
        {other} [thought|said|believed] that <!fact>, but [that was not true|it was not so]
        [they|people] said that <!fact>, but [they were wrong|it was only a story]
        {other} [dreamed|feared] that <!fact>, but it was only a dream
        it [seemed that|looked as if] <!fact>, but [it was not so|nothing of that was true]
        if you think that <!fact>, you are wrong
        if you think that <fact>, you are right
        {other} [thought|said|believed] that <fact>, and [that was true|so it was]
        [they|people] said that <fact>, and they were right
        {other} was right to [think|say|believe] that <fact>
        [without {other}|but for {other}], {one} would [be|have been] {against}
        {one} would [be|have been] {against} [without {other}|if {he} {undid}]
        is it true that <!fact>? [No|Not at all]
        is it true that <fact>? [Yes|Of course]
        you [would|might] think that <!fact>, but [no|it is not so|you are wrong]
        some say that <!fact>, but they [have no idea|are wrong|do not know]
        that <!fact> was [just a rumour|only a story|not true]
        that <fact> was [true|no lie|certain]
        """,
    "answer": """
        [Was|Is] {one} {felt}? [Yes|Yes, very|Yes, indeed|Of course|Certainly|I think so]!
        [Was|Is] {one} {against}? [No|Not at all|No, never|Not a bit|Far from it|I do not think so]!
        Did {one} {do}? [Yes|Yes, indeed|Of course|{he} did].
        Did {one} {undo}? [No|Not at all|No, never|{he} did not].
        [Was|Is] {it} {praised}? [Yes|Yes, very|Of course].
        [Was|Is] {it} {blamed}? [No|Not at all|Never|Far from it].
        Was {one} {against}, or was {he} {felt}? [{he} was {felt}|Not {against}].
        Who was {felt}? {one} was.
        Who was {against}? Not {one}.
        "Are you {against}?" asked {other}. "[No|Not at all|Not any more]," said {one}.
        "Are you {felt}?" asked {other}. "[Yes|Very much|I am]," said {one}.
        {other} asked [whether|if] {one} was {felt}, and {one} [said yes|nodded].
        {other} asked [whether|if] {one} was {against}, but {one} [said no|shook {his} head].
        [Why|How] could {one} be {against}? {he} <acts>.
        Why was {one} {felt}? {he} <acts>.
        Who would not be {felt}? {one} <acts>.
        [Why should|How could] {one} be {against}?
        "{against}?" [said|asked] {one}. "[Not at all|Never|No]!"
        {one} [said no|shook {his} head] when {other} <!asked>.
        {one} [said yes|nodded] when {other} <asked>.
        Who would not {like} {it}? {one} {liked} it.
        How could anyone {dislike} {it}?
        Is there anything [more {praised}|less {blamed}] than {it}?
        [Who says|Who told you] that <!fact>? [Not I|Certainly not {other}|It is not true].
        [I was|We were] told that <!fact>. [What nonsense|Not true|But no]!
        """,
    "asked": """
        asked [if|whether] {he} was {felt}
        [called|found] {it} {praised}
        """,
    "speech": """
        <words>.
        "<words>," [said|whispered|called] {one}.
        {one} [said|whispered] [to {other}|], "<words>."
        """,
    "words": """
        [I am|today I am|now I am] <feeling>
        we are <feeling>
        we are <feeling> [about the {thing}|today|to show you the {thing}]
        I [do not|don't] feel {against} [any more|at all|]
        I feel [very|so|] {felt}
        I have never been so {felt}
        I have [no|little] reason to be {against}
        I have [every|good] reason to be {felt}
        nothing can make [me|us] {against}
        [you|this] made [me|us] {felt}
        I [really|] {like} {it}
        I [do not|don't|never] {dislike} {it}
        I think that {it} is <opinion>
        I [do not|don't] [think|believe] that {it} is {blamed}
        I [call|find] {it} {praised}
        I [do not|don't|would not] [call|find] {it} {blamed}
        [you|one] cannot {dislike} {it}
        I have never [seen|known] anything so {praised}
        """,
    "exclamation": """
        how {felt} {one} [was|is|looked|felt|became]
        how {praised} {it} [was|is]
        what a {praised} [day|story|present|song|idea|place]
        if only <!fact>
        how could [anyone|anybody] call {it} {blamed}
        who could be {against} {at}
        """,
}
SENTENCES = {name: lines(text) for name, text in SENTENCES.items()}
